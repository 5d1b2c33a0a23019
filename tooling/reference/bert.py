"""Writes packages/bert/fixtures: Hugging Face's BERT with random weights, its inputs, outputs and gradients.

Attention is eager. Gradients are those of the loss where there are labels, else of
    sum(last_hidden_state * cotangent.last_hidden_state) + sum(pooler_output * cotangent.pooler_output)
with the cotangents among the inputs.
"""

import copy

import torch
from safetensors.torch import load_file, save_file
from transformers import AttentionInterface, AttentionMaskInterface, BertConfig, BertForMaskedLM, BertForPreTraining
from transformers import BertForSequenceClassification, BertModel
from transformers.masking_utils import eager_mask

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
    arguments = {k: v for k, v in inputs.items() if not k.startswith("cotangent.")}
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




def activations_and_sizes():
    """The other activations, at sizes and settings that no default hides."""
    # The decoder has its own weight. In transformers 5 it then has its own bias too, `cls.predictions.decoder.bias`,
    # and `cls.predictions.bias` is in the file but takes no part.
    sizes = dict(
        vocab_size=61, hidden_size=27, num_hidden_layers=1, intermediate_size=50, max_position_embeddings=13,
        type_vocab_size=3, hidden_act="gelu_new", layer_norm_eps=1e-5, tie_word_embeddings=False,
    )
    model = draw_weights(BertForMaskedLM(config(**sizes)), seed=20)
    inputs = batch(21, [5, 7], 7, vocab_size=61, type_vocab_size=3)
    write("masked-lm-untied-gelu-new", model, inputs | {"labels": labels_for(inputs, 22, vocab_size=61)})

    # Without a padding id, word 0 is a word like any other: its embedding gets a gradient from the input too.
    sizes = dict(
        vocab_size=37, hidden_size=20, num_attention_heads=5, num_hidden_layers=1, intermediate_size=17,
        type_vocab_size=1, hidden_act="relu", layer_norm_eps=1e-3, pad_token_id=None,
    )
    model = draw_weights(BertForMaskedLM(config(**sizes)), seed=30)
    inputs = batch(31, [4, 6, 1], 6, vocab_size=37, type_vocab_size=1)
    write("masked-lm-relu", model, inputs | {"labels": labels_for(inputs, 32, vocab_size=37)})

    # No pooler in the file, only ids in the batch, one head, and a padding id other than 0: the row of that word
    # gets no gradient, although it stands in the input.
    sizes = dict(vocab_size=29, hidden_size=16, num_attention_heads=1, hidden_act="silu", pad_token_id=3)
    model = draw_weights(BertModel(config(**sizes), add_pooling_layer=False), seed=40)
    inputs = {"input_ids": torch.tensor([[5, 9, 3, 28, 3], [3, 7, 7, 1, 0]])}
    write("model-silu-ids-only", model, inputs | cotangents(model, inputs, seed=41))


SMALL = dict(vocab_size=40, hidden_size=16, num_attention_heads=4, intermediate_size=24)


def classifiers():
    """A head on the pooled first token: each kind of label, pairs by their token types."""
    inputs = batch(91, [6, 3, 5], 6, vocab_size=40)
    for name, seed, labels, changes in (
        ("one-label", 92, torch.tensor([2, 0, 1]), dict(num_labels=3)),
        ("several-labels", 93, torch.tensor([[1.0, 0, 1], [0, 0, 1], [1, 1, 1]]), dict(num_labels=3)),
        ("regression", 94, normal(95, 3), dict(num_labels=1)),
        ("regressions", 96, normal(97, 3, 2), dict(num_labels=2, problem_type="regression")),
    ):
        model = draw_weights(BertForSequenceClassification(config(**SMALL, num_hidden_layers=1, **changes)), seed=seed)
        write(f"sequence-{name}", model, inputs | {"labels": labels})


def masks():
    """What a mask can do: hide a whole row, stand on the left, and switch heads off."""
    # Every score of the hidden row is the lowest float32, so that its attention is uniform, padding included.
    model = draw_weights(BertModel(config(**SMALL)), seed=50)
    inputs = batch(51, [5, 0, 3], 5, vocab_size=40)
    write("empty-row", model, inputs | cotangents(model, inputs, seed=52))

    model = draw_weights(BertModel(config(**SMALL)), seed=60)
    inputs = batch(61, [6, 3, 1], 6, vocab_size=40, left=True)
    inputs["position_ids"] = (inputs["attention_mask"].cumsum(1) - 1).clamp(min=0)
    write("left-padded", model, inputs | cotangents(model, inputs, seed=62))

    model = draw_weights(BertModel(config(**SMALL, attn_implementation="eager_with_head_mask")), seed=70)
    inputs = batch(71, [6, 4], 6, vocab_size=40)
    inputs["head_mask"] = torch.tensor([[1, 0, 1, 1], [0.5, 1, 0, 1]])  # [layers, heads]
    write("head-mask", model, inputs | cotangents(model, inputs, seed=72))


def eager_with_head_mask(module, query, key, value, attention_mask, scaling, head_mask, **_):
    """transformers 5 takes a `head_mask` and ignores it. This is the eager attention of BERT with the step that
    transformers 4 had: the mask multiplies the probabilities, after dropout, and the reported attentions are the
    product."""
    scores = query @ key.transpose(2, 3) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    attention = scores.softmax(-1) * head_mask[module.layer_idx][None, :, None, None]
    return (attention @ value).transpose(1, 2).contiguous(), attention


AttentionInterface.register("eager_with_head_mask", eager_with_head_mask)
AttentionMaskInterface.register("eager_with_head_mask", eager_mask)


def legacy():
    """The `masked-lm` weights in the spelling of the first BERT checkpoints: `gamma` and `beta`, a `position_ids`
    buffer, the decoder's weight written out beside the embedding it is tied to, the pooler and the next-sentence head
    that BertForMaskedLM does not have, and a config of the time. The outputs are those of `masked-lm`."""
    source, folder = FOLDER / "masked-lm", FOLDER / "masked-lm-legacy"
    folder.mkdir(exist_ok=True)

    weights = load_file(source / "model.safetensors")
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in weights.items()
    }
    old["cls.predictions.decoder.weight"] = weights["bert.embeddings.word_embeddings.weight"].clone()
    old["bert.embeddings.position_ids"] = torch.arange(16)[None]
    extra = draw_weights(BertForPreTraining(config()), seed=80).state_dict()
    old |= {name: extra[name] for name in extra if "pooler" in name or "seq_relationship" in name}
    save_file(old, folder / "model.safetensors", metadata={"format": "pt"})

    save_json(folder / "config.json", {
        "architectures": ["BertForMaskedLM"],
        "attention_probs_dropout_prob": 0.1,
        "directionality": "bidi",
        "gradient_checkpointing": False,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 24,
        "initializer_range": 0.02,
        "intermediate_size": 52,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 16,
        "model_type": "bert",
        "num_attention_heads": 3,
        "num_hidden_layers": 2,
        "pad_token_id": 0,
        "pooler_type": "first_token_transform",
        "position_embedding_type": "absolute",
        "transformers_version": "4.6.0.dev0",
        "type_vocab_size": 2,
        "use_cache": True,
        "vocab_size": 100,
    })

    inputs = load_file(source / "inputs.safetensors")
    expected = {k: v for k, v in load_file(source / "expected.safetensors").items() if not k.startswith("grad/")}
    save_tensors(folder / "inputs.safetensors", inputs)
    save_tensors(folder / "expected.safetensors", expected)

    model = BertForMaskedLM.from_pretrained(folder, attn_implementation="eager")
    with torch.no_grad():
        logits = model(**{name: tensor.long() for name, tensor in inputs.items()}).logits
    assert torch.equal(logits, expected["logits"]), "transformers reads the legacy checkpoint differently"


if __name__ == "__main__":
    model_case()
    masked_lm()
    activations_and_sizes()
    masks()
    classifiers()
    legacy()
