"""Writes packages/gpt/fixtures: Hugging Face's GPT-2 and GPT-1 with random weights, inputs, outputs and gradients.

Attention is eager. Gradients are those of the loss, or of sum(output * cotangent.<output>) where the case has
cotangents among its inputs. `type_token_ids` is what transformers calls `token_type_ids`: tokens whose embeddings are
added.
"""

import copy
import json

import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers import GPT2Config, GPT2DoubleHeadsModel, GPT2ForQuestionAnswering, GPT2ForSequenceClassification
from transformers import GPT2ForTokenClassification, GPT2LMHeadModel, GPT2Model
from transformers import OpenAIGPTConfig, OpenAIGPTDoubleHeadsModel, OpenAIGPTForSequenceClassification
from transformers import OpenAIGPTLMHeadModel, OpenAIGPTModel
from transformers.masking_utils import eager_mask

from fixture import draw_weights, fixtures, generator, gradients, normal, report, save_case, save_json, save_tensors

FOLDER = fixtures("gpt")
VOCAB = 40
SIZES = dict(vocab_size=VOCAB, n_embd=16, n_layer=2, n_head=4, n_positions=12, bos_token_id=1, eos_token_id=2)
NAMES = ("last_hidden_state", "logits", "mc_logits", "start_logits", "end_logits", "loss", "mc_loss")


def gpt2(**changes):
    return GPT2Config(**{**SIZES, "attn_implementation": "eager", **changes})


def gpt1(**changes):
    return OpenAIGPTConfig(**{**SIZES, **changes})


def batch(seed, lengths, width, left=False):
    """Random ids with the padding (id 0) after each row's own length, or before it, with positions to match."""
    random = generator(seed)
    shape = (len(lengths), width)
    column = torch.arange(width).expand(shape)
    length = torch.tensor(lengths)[:, None]
    mask = (column >= width - length if left else column < length).long()
    ids = torch.randint(1, VOCAB, shape, generator=random) * mask
    inputs = {"input_ids": ids, "attention_mask": mask}
    if left:
        inputs["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
    return inputs


def labels_for(inputs, seed, end=VOCAB):
    """A label at most of the real positions and -100, which the loss ignores, everywhere else."""
    random = generator(seed)
    shape = inputs["input_ids"].shape
    chosen = (torch.rand(shape, generator=random) < 0.8) & (inputs.get("attention_mask", torch.ones(shape)) == 1)
    return torch.where(chosen, torch.randint(0, end, shape, generator=random), -100)


def run(model, inputs):
    """Everything the model says about the inputs, and the gradient of every parameter."""
    dtype = model.dtype
    inputs = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
    arguments = {k: v for k, v in inputs.items() if not k.startswith("cotangent.")}
    if "type_token_ids" in arguments:
        arguments["token_type_ids"] = arguments.pop("type_token_ids")
    outputs = model(**arguments, output_hidden_states=True, output_attentions=True)
    expected = {f"hidden_states.{i}": h for i, h in enumerate(outputs.hidden_states)}
    expected |= {f"attentions.{i}": a for i, a in enumerate(outputs.attentions)}
    expected |= {name: outputs[name] for name in NAMES if outputs.get(name) is not None}
    cotangents = {k.removeprefix("cotangent."): v for k, v in inputs.items() if k.startswith("cotangent.")}
    scalar = sum((outputs[k] * v).sum() for k, v in cotangents.items()) if cotangents else outputs["loss"]
    expected |= gradients(model, scalar)
    return {name: tensor.detach().clone() for name, tensor in expected.items()}


def write(name, model, inputs, seed=None, cotangent=()):
    """Draws the weights (seed), adds cotangents of the named outputs, runs the model and writes the case."""
    if seed is not None:
        draw_weights(model, seed)
    for i, (output, shape) in enumerate(dict(cotangent).items()):
        inputs[f"cotangent.{output}"] = normal(1000 + i, *shape)
    expected = run(model, inputs)
    save_case(FOLDER / name, model, inputs, expected)
    for extra in FOLDER.glob(f"{name}/generation_config.json"):
        extra.unlink()
    exact = copy.deepcopy(model).double()
    for module in exact.modules():
        if hasattr(module, "reorder_and_upcast_attn"):
            module.reorder_and_upcast_attn = False  # it refuses float64, in which it changes nothing
    report(FOLDER / name, expected, run(exact, inputs))


def bare_models():
    hidden = {"last_hidden_state": (3, 9, 16)}
    write("model", GPT2Model(gpt2()), batch(2, [9, 6, 4], 9), 1, hidden)
    write("left-padded", GPT2Model(gpt2()), batch(4, [9, 6, 1], 9, left=True), 3, hidden)
    write("empty-row", GPT2Model(gpt2(n_layer=1)), batch(6, [9, 0, 3], 9), 5, hidden)

    model = GPT2Model(gpt2(attn_implementation="eager_with_head_mask"))
    inputs = batch(8, [9, 5, 2], 9) | {"head_mask": torch.tensor([[1, 0, 1, 1], [0.5, 1, 0, 1]])}  # [layers, heads]
    write("head-mask", model, inputs, 7, hidden)

    inputs = batch(10, [9, 9, 7], 9)
    inputs["type_token_ids"] = torch.randint(0, VOCAB, (3, 9), generator=generator(11))
    write("type-tokens", GPT2Model(gpt2(n_layer=1)), inputs, 9, hidden)

    inputs = {"inputs_embeds": normal(12, 3, 9, 16), "attention_mask": batch(13, [9, 8, 3], 9)["attention_mask"]}
    write("inputs-embeds", GPT2Model(gpt2(n_layer=1)), inputs, 14, hidden)


def eager_with_head_mask(module, query, key, value, attention_mask, scaling, head_mask, **_):
    """transformers 5 has no `head_mask` in GPT-2. This is its eager attention with the step that version 4 had: the
    mask multiplies the probabilities, after dropout, and the reported attentions are the product."""
    scores = query @ key.transpose(2, 3) * scaling + attention_mask
    attention = scores.softmax(-1) * head_mask[module.layer_idx][None, :, None, None]
    return (attention @ value).transpose(1, 2).contiguous(), attention


AttentionInterface.register("eager_with_head_mask", eager_with_head_mask)
AttentionMaskInterface.register("eager_with_head_mask", eager_mask)


def language_models():
    def lm(name, seed, lengths=(7, 9, 5), **changes):
        inputs = batch(seed + 1, lengths, 9)
        write(name, GPT2LMHeadModel(gpt2(**changes)), inputs | {"labels": labels_for(inputs, seed + 2)}, seed)

    lm("lm", 20)
    lm("lm-untied-gelu", 30, tie_word_embeddings=False, activation_function="gelu", layer_norm_epsilon=1e-3)
    lm("lm-inverse-layer-upcast-relu", 40, n_layer=3, n_inner=20, activation_function="relu",
       scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True)  # fmt: skip
    lm("lm-unscaled-silu", 50, n_inner=12, activation_function="silu", scale_attn_weights=False)
    lm("lm-unscaled-inverse-layer-tanh", 60, n_inner=12, activation_function="tanh", scale_attn_weights=False,
       scale_attn_by_inverse_layer_idx=True)  # fmt: skip


def past():
    """Nine tokens, three rows of which two are padded on the left, taken in as 4 + 1 + 3 + 1. Expected are the logits
    of each step, and the keys and values after the last: [batch, heads, length, head size]."""
    model = draw_weights(GPT2LMHeadModel(gpt2()), seed=70)
    inputs = batch(71, [9, 7, 6], 9, left=True)
    cache, start, expected = DynamicCache(config=model.config), 0, {}
    with torch.no_grad():
        for step, size in enumerate((4, 1, 3, 1)):
            end = start + size
            outputs = model(
                inputs["input_ids"][:, start:end], attention_mask=inputs["attention_mask"][:, :end],
                position_ids=inputs["position_ids"][:, start:end], past_key_values=cache, use_cache=True,
                output_attentions=True, output_hidden_states=True,
            )
            expected[f"steps.{step}/logits"] = outputs.logits
            expected |= {f"steps.{step}/attentions.{i}": a for i, a in enumerate(outputs.attentions)}
            expected |= {f"steps.{step}/hidden_states.{i}": h for i, h in enumerate(outputs.hidden_states)}
            start = end
    for i, layer in enumerate(cache.layers):
        expected |= {f"past.{i}/key": layer.keys, f"past.{i}/value": layer.values}
    save_case(FOLDER / "past", model, inputs, expected)
    for extra in (FOLDER / "past").glob("generation_config.json"):
        extra.unlink()
    print(f"gpt/past: {len(expected)} tensors")


def heads():
    """Rows of 6 tokens; where rows are padded, on the right and on the left."""
    # Two texts of three choices each, and where each choice's classification token stands.
    inputs = {
        "input_ids": torch.randint(1, VOCAB, (2, 3, 6), generator=generator(81)),
        "mc_token_ids": torch.tensor([[5, 2, 3], [0, 5, 4]]),
        "mc_labels": torch.tensor([2, 0]),
    }
    inputs["labels"] = labels_for(inputs, 82)
    losses = {"loss": (), "mc_loss": ()}
    write("double-heads", GPT2DoubleHeadsModel(gpt2()), dict(inputs), 80, losses)
    write("openai-double-heads", OpenAIGPTDoubleHeadsModel(gpt1(n_layer=1)), dict(inputs), 83, losses)
    inputs = batch(85, [6, 6, 6], 6)
    for i, (kind, shape, changes) in enumerate((
        ("last", (3,), dict(summary_activation="tanh")),
        ("first", (3, 16), dict(summary_proj_to_labels=False, summary_activation="relu")),
        ("mean", (3, 16), dict(summary_use_proj=False)),
    )):  # fmt: skip
        model = GPT2DoubleHeadsModel(gpt2(n_layer=1, n_inner=12, summary_type=kind, **changes))
        write(f"double-heads-{kind}", model, dict(inputs), 86 + i, {"mc_logits": shape})

    right, left = batch(91, [6, 3, 1], 6), batch(92, [4, 2, 6], 6, left=True)
    sizes = dict(n_layer=1, n_inner=12, pad_token_id=0)
    for name, seed, given, labels, changes in (
        ("one-label", 93, right, torch.tensor([2, 0, 1]), dict(num_labels=3)),
        ("several-labels", 94, left, torch.tensor([[1.0, 0, 1], [0, 0, 1], [1, 1, 1]]), dict(num_labels=3)),
        ("regression", 95, right, normal(96, 3), dict(num_labels=1)),
        ("regressions", 97, left, normal(98, 3, 2), dict(num_labels=2, problem_type="regression")),
    ):
        model = GPT2ForSequenceClassification(gpt2(**sizes, **changes))
        write(f"sequence-{name}", model, given | {"labels": labels}, seed)
    model = OpenAIGPTForSequenceClassification(gpt1(n_layer=1, pad_token_id=0, num_labels=3))
    write("openai-sequence-one-label", model, right | {"labels": torch.tensor([2, 0, 1])}, 99)

    model = GPT2ForTokenClassification(gpt2(n_layer=1, n_inner=12, num_labels=5))
    write("token-classification", model, right | {"labels": labels_for(right, 101, end=5)}, 100)

    # Positions that lie outside of the text, or before it, as transformers takes them.
    answers = {"start_positions": torch.tensor([1, 7, 0]), "end_positions": torch.tensor([4, 2, 6])}
    write("question-answering", GPT2ForQuestionAnswering(gpt2(n_layer=1, n_inner=12)), right | answers, 102)


def first_gpt():
    hidden = {"last_hidden_state": (3, 9, 16)}
    write("openai-model", OpenAIGPTModel(gpt1()), batch(111, [9, 6, 4], 9), 110, hidden)
    inputs = batch(113, [7, 9, 5], 9)
    inputs |= {"labels": labels_for(inputs, 114), "position_ids": torch.arange(9).flip(0)[None].repeat(3, 1)}
    inputs["type_token_ids"] = torch.randint(0, VOCAB, (3, 9), generator=generator(115))
    write("openai-lm", OpenAIGPTLMHeadModel(gpt1(n_layer=1, afn="silu", layer_norm_epsilon=1e-3)), inputs, 112)
    inputs = batch(117, [4, 6], 6)
    model = OpenAIGPTLMHeadModel(gpt1(n_layer=1, afn="relu", tie_word_embeddings=False))
    write("openai-lm-untied-relu", model, inputs | {"labels": labels_for(inputs, 118)}, 116)


def other_spellings():
    """The weights of `lm` and of its kin as other libraries spell them, each with the outputs that transformers has for
    them: an old Hugging Face file (no prefix, the mask stored as buffers), minGPT's and nanoGPT's (linear layers the
    other way round, a configuration of their own)."""
    source = FOLDER / "lm"
    weights = load_file(source / "model.safetensors")
    inputs = load_file(source / "inputs.safetensors")
    causal = torch.tril(torch.ones(12, 12))[None, None]

    def folder(name, tensors, config, expected):
        (FOLDER / name).mkdir(exist_ok=True)
        save_file({k: v.contiguous() for k, v in tensors.items()}, FOLDER / name / "model.safetensors")
        save_json(FOLDER / name / "config.json", config)
        save_tensors(FOLDER / name / "inputs.safetensors", inputs)
        save_tensors(FOLDER / name / "expected.safetensors", expected)

    old = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    for i in range(2):
        old |= {f"h.{i}.attn.bias": causal.clone(), f"h.{i}.attn.masked_bias": torch.tensor(-1e4)}
    expected = {k: v for k, v in load_file(source / "expected.safetensors").items() if not k.startswith("grad/")}
    folder("lm-old", old, {
        "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 1,
        "embd_pdrop": 0.1, "eos_token_id": 2, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
        "model_type": "gpt2", "n_ctx": 12, "n_embd": 16, "n_head": 4, "n_layer": 2, "n_positions": 12,
        "resid_pdrop": 0.1, "summary_activation": None, "summary_first_dropout": 0.1, "summary_proj_to_labels": True,
        "summary_type": "cls_index", "summary_use_proj": True,
        "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}, "vocab_size": VOCAB,
    }, expected)  # fmt: skip

    def as_linear(tensors):
        turned = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
        return {name: tensor.T if name.endswith(turned) else tensor for name, tensor in tensors.items()}

    def outputs(model):
        given = {name: tensor.long() for name, tensor in inputs.items()}
        return {k: v for k, v in run(model, given).items() if not k.startswith("grad/")}

    model = draw_weights(GPT2LMHeadModel(gpt2(tie_word_embeddings=False)), seed=121)
    tensors = as_linear(model.state_dict())
    tensors |= {f"transformer.h.{i}.attn.bias": causal.clone() for i in range(2)}
    sizes = {"n_layer": 2, "n_head": 4, "n_embd": 16, "vocab_size": VOCAB, "block_size": 12}
    rates = {"embd_pdrop": 0.1, "resid_pdrop": 0.1, "attn_pdrop": 0.1}
    folder("lm-mingpt", tensors, {"model_type": "gpt", **sizes, **rates}, outputs(model))

    # nanoGPT's GELU is the exact one, its head is tied, and `bias: false` leaves out every bias.
    model = draw_weights(GPT2LMHeadModel(gpt2(activation_function="gelu")), seed=122)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    tensors = {f"_orig_mod.{k}": v.clone() for k, v in as_linear(model.state_dict()).items() if not k.endswith("bias")}
    folder("lm-nanogpt", tensors, {**sizes, "bias": False, "dropout": 0.0}, outputs(model))


def nanogpt_checkpoint():
    """The weights of `lm-nanogpt` in the file that nanoGPT's training leaves, with all it keeps beside them."""
    source, folder = FOLDER / "lm-nanogpt", FOLDER / "nanogpt-ckpt"
    folder.mkdir(exist_ok=True)
    weights = load_file(source / "model.safetensors")
    sizes = json.loads((source / "config.json").read_text())
    moments = {"step": torch.tensor(5.0), "exp_avg": torch.zeros(2), "exp_avg_sq": torch.zeros(2)}
    optimizer = {"state": {0: moments}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.95), "params": [0]}]}
    torch.save(
        {
            "model": weights, "optimizer": optimizer, "model_args": sizes, "iter_num": 5,
            "best_val_loss": torch.tensor(1.5), "config": {"out_dir": "out", "device": "cpu", "compile": True},
        },
        folder / "ckpt.pt",
    )  # fmt: skip


def sorter():
    """A GPT-2 that has learnt to sort four letters of three: the letters, then the letters in order."""
    letters = torch.cartesian_prod(*[torch.arange(3)] * 4)  # [81, 4]
    texts = torch.cat([letters, letters.sort(-1).values], 1)
    labels = torch.where(torch.arange(8) < 4, -100, texts)
    torch.manual_seed(130)
    rates = dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    model = GPT2LMHeadModel(gpt2(
        vocab_size=3, n_embd=12, n_head=3, n_layer=2, n_inner=24, n_positions=8, bos_token_id=0, eos_token_id=0,
        tie_word_embeddings=False, **rates,
    ))  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.01)
    for step in range(600):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - step / 600)
        loss = model(texts, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ids = letters
    for _ in range(4):
        ids = torch.cat([ids, model(ids).logits[:, -1:].argmax(-1)], 1)
    assert torch.equal(ids, texts), f"sorts only {(ids == texts).all(1).sum()} of 81"
    print(f"gpt/sorter: loss {loss.item():.4f}")
    model.eval()
    # Where the loss is all but zero, gradients are rounding: they are left out.
    inputs = {"input_ids": texts[[5, 42, 77]], "labels": labels[[5, 42, 77]]}
    expected = {name: tensor for name, tensor in run(model, inputs).items() if not name.startswith("grad/")}
    save_case(FOLDER / "sorter", model, inputs, expected)
    (FOLDER / "sorter" / "generation_config.json").unlink(missing_ok=True)


if __name__ == "__main__":
    bare_models()
    language_models()
    past()
    heads()
    first_gpt()
    other_spellings()
    nanogpt_checkpoint()
    sorter()
