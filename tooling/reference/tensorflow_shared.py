"""What transformers gives for the small TensorFlow checkpoints of others that stand beside the repository (their
`weights.npz`), in `packages/gpt/fixtures/shared-gpt2.safetensors` and `packages/bert/fixtures/shared-bert.safetensors`.

tensorflow_shared.py FOLDER, the folder that holds `gpt2-tf-fixture` and `bert-tf-fixture`
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForPreTraining, GPT2Config, GPT2LMHeadModel

from fixture import fixtures, save_tensors


def gpt2(folder):
    hparams = json.loads((folder / "hparams.json").read_text())
    arrays = np.load(folder / "weights.npz")
    config = GPT2Config(
        vocab_size=hparams["n_vocab"], n_positions=hparams["n_ctx"], n_embd=hparams["n_embd"],
        n_layer=hparams["n_layer"], n_head=hparams["n_head"],
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.transformer.named_parameters():
            path = name.split(".")
            path[-1] = "g" if "ln_" in path[-2] and path[-1] == "weight" else path[-1][0]
            if path[0] == "h":
                path[:2] = [f"h{path[1]}"]
            value = arrays["model/" + ("/".join(path) if path[0] not in ("wte", "wpe") else path[0])]
            parameter.copy_(torch.from_numpy(value.reshape(parameter.shape)))
    ids = torch.tensor([[1, 5, 300, 42, 7, 0, 355], [17, 17, 2, 3, 11, 200, 9]])
    with torch.no_grad():
        logits = model(ids).logits
    save_tensors(fixtures("gpt") / "shared-gpt2.safetensors", {"input_ids": ids, "logits": logits[:, ::3]})


def bert(folder):
    arrays = np.load(folder / "weights.npz")
    config = BertConfig(**json.loads((folder / "bert_config.json").read_text()))
    model = BertForPreTraining(config).eval()
    tables = {"word_embeddings", "position_embeddings", "token_type_embeddings"}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            path = name.split(".")
            if path[-2] in tables:
                path.pop()
            elif path[-2] == "LayerNorm":
                path[-1] = {"weight": "gamma", "bias": "beta"}[path[-1]]
            elif path[-2] == "seq_relationship":
                path[-1] = {"weight": "output_weights", "bias": "output_bias"}[path[-1]]
            elif name == "cls.predictions.bias":
                path[-1] = "output_bias"
            elif path[-1] == "weight":
                path[-1] = "kernel"
            value = torch.from_numpy(arrays["/".join(path).replace("layer/", "layer_")])
            parameter.copy_(value.T if path[-1] == "kernel" else value)
    ids = torch.tensor([[1, 2, 3, 4, 5], [14, 0, 7, 9, 11]])
    types = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 0, 1, 0]])
    with torch.no_grad():
        out = model(ids, token_type_ids=types)
        pooled = model.bert(ids, token_type_ids=types).pooler_output
    tensors = {"input_ids": ids, "token_type_ids": types, "logits": out.prediction_logits, "pooler_output": pooled}
    save_tensors(fixtures("bert") / "shared-bert.safetensors", tensors)


if __name__ == "__main__":
    shared = Path(sys.argv[1])
    gpt2(shared / "gpt2-tf-fixture")
    bert(shared / "bert-tf-fixture")
