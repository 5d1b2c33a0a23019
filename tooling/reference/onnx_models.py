"""Random models of the sizes that the benches compare, as Hugging Face folders and as ONNX files of
the same weights, float32 and int8.

usage: onnx_models.py FOLDER [minilm | bert-base | gpt2 …]

They are far too large to commit: FOLDER is what MULTIHEAD_BENCH_MODELS names. The int8 files are made
as transformers.js makes its `q8`: dynamic quantization, weights QInt8 for each tensor.
"""

import sys
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel
from transformers.cache_utils import DynamicCache

MINILM = dict(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)


class Bert(torch.nn.Module):
    """The hidden states of a BERT; its pooler is left out, as sentence models do."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state


class UnmaskedBert(torch.nn.Module):
    """The same without an attention mask, for runtimes that lack the operators which make one."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, token_type_ids):
        states = self.model.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
        for layer in self.model.encoder.layer:
            output = layer(states)
            states = output[0] if isinstance(output, tuple) else output
        return states


class GPT2(torch.nn.Module):
    """Logits, and keys and values of all layers, from ids and those of the tokens before."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, *past):
        cache = DynamicCache()
        for layer in range(self.model.config.n_layer):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        outputs = self.model(input_ids=input_ids, past_key_values=cache, use_cache=True)
        present = [state for layer in outputs.past_key_values.layers for state in (layer.keys, layer.values)]
        return outputs.logits, *present


def export_bert(folder, **config):
    torch.manual_seed(0)
    model = BertModel(BertConfig(attn_implementation="eager", **config), add_pooling_layer=False).eval()
    model.save_pretrained(folder)
    ids = torch.randint(0, 30000, (2, 16))
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "batch", 1: "length"} for name in [*names, "last_hidden_state"]}
    inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    export(Bert(model), inputs, folder, names, ["last_hidden_state"], axes)
    ids = torch.zeros(1, 128, dtype=torch.long)
    with torch.no_grad():
        torch.onnx.export(
            UnmaskedBert(model), (ids, ids), folder / "onnx/model_unmasked_1x128.onnx",
            input_names=["input_ids", "token_type_ids"], output_names=["last_hidden_state"],
            opset_version=17, dynamo=False,
        )


def export_gpt2(folder, **config):
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(attn_implementation="eager", **config)).eval()
    model.save_pretrained(folder)
    size = model.config
    past = [torch.randn(1, size.n_head, 5, size.n_embd // size.n_head) for _ in range(2 * size.n_layer)]
    entries = [f"{layer}_{kind}" for layer in range(size.n_layer) for kind in ("key", "value")]
    inputs = ["input_ids", *(f"past_{entry}" for entry in entries)]
    outputs = ["logits", *(f"present_{entry}" for entry in entries)]
    axes = {"input_ids": {1: "length"}, "logits": {1: "length"}}
    axes |= {name: {2: "before"} for name in inputs[1:]} | {name: {2: "after"} for name in outputs[1:]}
    ids = torch.randint(0, size.vocab_size, (1, 1))
    export(GPT2(model), (ids, *past), folder, inputs, outputs, axes)


def export(module, inputs, folder, input_names, output_names, axes):
    # Where transformers.js looks for them.
    float_file, int8_file = folder / "onnx/model.onnx", folder / "onnx/model_quantized.onnx"
    with torch.no_grad():
        torch.onnx.export(
            module, inputs, float_file, input_names=input_names, output_names=output_names,
            dynamic_axes=axes, opset_version=17, dynamo=False,
        )
    quantize_dynamic(float_file, int8_file, weight_type=QuantType.QInt8)
    print(f"{folder}: {float_file.stat().st_size / 1e6:.0f} MB, int8 {int8_file.stat().st_size / 1e6:.0f} MB")


MODELS = {
    "minilm": lambda folder: export_bert(folder, **MINILM),
    "bert-base": lambda folder: export_bert(folder),
    "gpt2": lambda folder: export_gpt2(folder),
}

if __name__ == "__main__":
    target, *wanted = sys.argv[1:]
    torch.set_num_threads(1)
    for name in wanted or MODELS:
        folder = Path(target, name)
        (folder / "onnx").mkdir(parents=True, exist_ok=True)
        MODELS[name](folder)
