"""Writes packages/bert/fixtures: Hugging Face's BERT with random weights, its inputs, outputs and gradients.

Attention is eager. Gradients are those of the loss where there are labels, else of
    sum(last_hidden_state * cotangent.last_hidden_state) + sum(pooler_output * cotangent.pooler_output)
with the cotangents among the inputs.
"""

import copy
import json
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, BertModel

from fixture import draw_weights, fixtures, generator, gradients, normal, report, save_case, save_json, save_tensors

FOLDER = fixtures("bert")


def config(**changes):
    """24 wide with a feed-forward of 52: small, and wider than the 48 columns at which some matmuls block."""
    sizes = dict(
        vocab_size=100, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=52,
        max_position_embeddings=16, attn_implementation="eager",
    )
    return BertConfig(**{**sizes, **changes})


def batch(seed, lengths, width, vocab_size, type_vocab_size=2, left=False):
    """Random ids with the padding (id 0) after each row's own length, or before it."""
    random = generator(seed)
    shape = (len(lengths), width)
    column = torch.arange(width).expand(shape)
    length = torch.tensor(lengths)[:, None]
    mask = (column >= width - length if left else column < length).long()
    return {
        "input_ids": torch.randint(1, vocab_size, shape, generator=random) * mask,
        "attention_mask": mask,
        "token_type_ids": torch.randint(0, type_vocab_size, shape, generator=random) * mask,
    }


def labels_for(inputs, seed, vocab_size):
    """A label at about a third of the real positions and -100, which the loss ignores, everywhere else."""
    random = generator(seed)
    shape = inputs["input_ids"].shape
    chosen = (torch.rand(shape, generator=random) < 0.35) & (inputs["attention_mask"] == 1)
    return torch.where(chosen, torch.randint(0, vocab_size, shape, generator=random), -100)


def cotangents(model, inputs, seed):
    rows, width = inputs["input_ids"].shape
    size = model.config.hidden_size
    result = {"cotangent.last_hidden_state": normal(seed, rows, width, size)}
    if model.pooler is not None:
        result["cotangent.pooler_output"] = normal(seed + 1, rows, size)
    return result


def run(model, inputs):
    """Everything the model says about the inputs, and the gradient of every parameter."""
    dtype = model.dtype
    inputs = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
    arguments = {k: v for k, v in inputs.items() if not k.startswith("cotangent.") and k != "head_mask"}
    base = getattr(model, "bert", model)

    embeddings = []
    hook = base.embeddings.register_forward_hook(lambda module, args, output: embeddings.append(output))
    outputs = model(**arguments, output_hidden_states=True, output_attentions=True)
    hook.remove()

    expected = {"embeddings": embeddings[0]}
    expected |= {f"hidden_states.{i}": h for i, h in enumerate(outputs.hidden_states)}
    expected |= {f"attentions.{i}": a for i, a in enumerate(outputs.attentions)}
    for name in ("last_hidden_state", "pooler_output", "logits", "loss"):
        if outputs.get(name) is not None:
            expected[name] = outputs[name]

    scalar = outputs.get("loss")
    if scalar is None:
        scalar = sum((outputs[k.removeprefix("cotangent.")] * v).sum() for k, v in inputs.items() if "cotangent" in k)
    expected |= gradients(model, scalar)
    return {name: tensor.detach().clone() for name, tensor in expected.items()}


def write(name, model, inputs):
    expected = run(model, inputs)
    save_case(FOLDER / name, model, inputs, expected)
    report(FOLDER / name, expected, run(copy.deepcopy(model).double(), inputs))


def model_case():
    """BertModel with its pooler; rows of 9, 6 and 4 tokens, both token types."""
    model = draw_weights(BertModel(config()), seed=1)
    inputs = batch(2, [9, 6, 4], 9, vocab_size=100)
    write("model", model, inputs | cotangents(model, inputs, seed=3))


def masked_lm():
    """BertForMaskedLM whose decoder is the word embedding."""
    model = draw_weights(BertForMaskedLM(config()), seed=10)
    inputs = batch(11, [7, 9, 5], 9, vocab_size=100)
    write("masked-lm", model, inputs | {"labels": labels_for(inputs, 12, vocab_size=100)})


if __name__ == "__main__":
    model_case()
    masked_lm()
