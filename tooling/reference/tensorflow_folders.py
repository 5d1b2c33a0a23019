"""Folders as OpenAI and Google published their models, written by TensorFlow with the weights of other fixtures:
`packages/gpt/fixtures/openai-tensorflow` has those of `lm`, `packages/bert/fixtures/google-tensorflow` those of
`masked-lm-legacy`. So they must give what those give.

Needs TensorFlow, in an environment of its own: pip install tensorflow-cpu==2.21.0 safetensors
"""

import json
import os
import re
import shutil
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

PACKAGES = Path(__file__).resolve().parents[2] / "packages"


def empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def save(prefix, values):
    names = sorted(values)
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=names, shape_and_slices=[""] * len(names),
        tensors=[tf.constant(values[name]) for name in names],
    )  # fmt: skip
    print(prefix, len(names), "tensors")


def openai():
    source = PACKAGES / "gpt/fixtures/lm"
    folder = empty(PACKAGES / "gpt/fixtures/openai-tensorflow")
    config = json.loads((source / "config.json").read_text())
    sizes = {"n_vocab": config["vocab_size"], "n_ctx": config["n_positions"]}
    hparams = {**sizes, **{key: config[key] for key in ("n_embd", "n_head", "n_layer")}}
    (folder / "hparams.json").write_text(json.dumps(hparams) + "\n")

    values = {}
    for key, value in load_file(source / "model.safetensors").items():
        *path, kind = key.removeprefix("transformer.").split(".")
        name = "/".join(["model", *path]).replace("/h/", "/h")
        if path[-1] in ("wte", "wpe"):
            values[name] = value
        elif kind == "bias":
            values[f"{name}/b"] = value
        elif "ln_" in path[-1]:
            values[f"{name}/g"] = value
        else:
            values[f"{name}/w"] = value[None]  # a convolution of width 1
    save(folder / "model.ckpt", values)
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt"\n')

    # As many tokens as the model has: bytes of letters, a few merges, and the end of a text.
    merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "w"), ("o", "r")]
    tokens = [*"abcdefghijklmnopqrstuvwxyz", "Ġ", "!", ".", ",", "?", "A", "B"]
    tokens += ["".join(pair) for pair in merges] + ["<|endoftext|>"]
    assert len(tokens) == config["vocab_size"], len(tokens)
    encoder = {token: id for id, token in enumerate(tokens)}
    (folder / "encoder.json").write_text(json.dumps(encoder))
    (folder / "vocab.bpe").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))


def google():
    source = PACKAGES / "bert/fixtures/masked-lm-legacy"
    folder = empty(PACKAGES / "bert/fixtures/google-tensorflow")
    config = json.loads((source / "config.json").read_text())
    keys = [
        "attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size", "initializer_range",
        "intermediate_size", "max_position_embeddings", "num_attention_heads", "num_hidden_layers", "type_vocab_size",
        "vocab_size",
    ]  # fmt: skip
    (folder / "bert_config.json").write_text(json.dumps({key: config[key] for key in keys}, indent=2) + "\n")

    values = {"global_step": np.int64(7)}
    for key, value in load_file(source / "model.safetensors").items():
        if key.endswith("position_ids") or "predictions.decoder" in key:
            continue
        name = re.sub(r"layer\.(\d+)", r"layer_\1", key).replace(".", "/")
        if name.endswith("_embeddings/weight"):
            name = name.removesuffix("/weight")
        elif name.startswith("cls/seq_relationship"):
            name = name.replace("weight", "output_weights").replace("bias", "output_bias")
        elif name == "cls/predictions/bias":
            name = "cls/predictions/output_bias"
        elif name.endswith("/weight"):
            name, value = name.replace("/weight", "/kernel"), np.ascontiguousarray(value.T)
        name = re.sub("LayerNorm/kernel", "LayerNorm/gamma", name)
        values[name] = value
        if value.ndim == 1:
            values[f"{name}/adam_m"] = np.zeros_like(value)
    save(folder / "bert_model.ckpt", values)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"word{i}" for i in range(config["vocab_size"] - len(words))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")


if __name__ == "__main__":
    openai()
    google()
