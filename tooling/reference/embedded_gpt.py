"""Writes tooling/embedded-models/fixtures/gpt-expected.json: what transformers makes of models/gpt-mini-english.

    python embedded_gpt.py ../embedded-models/.cache/gpt-mini-english/held-out.txt

The file is what `run gpt` leaves there: the held-out documents, parted by blank lines. Of each the first 128 tokens are
scored in one pass, all but the first; then three prompts are gone on with, always by the likeliest token.
"""

import re
import sys
from pathlib import Path

import torch
from transformers import GPT2LMHeadModel, GPT2TokenizerFast

from fixture import save_json

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = ["The president of the United States", "She opened the door and", "Call me"]

folder = ROOT / "models" / "gpt-mini-english"
model = GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
tokenizer = GPT2TokenizerFast.from_pretrained(folder)
documents = [text.rstrip() for text in re.split(r"\n{2,}", Path(sys.argv[1]).read_text())]

nats, tokens = 0.0, 0
with torch.no_grad():
    for text in documents:
        ids = torch.tensor([tokenizer(text).input_ids[:128]])
        count = ids.shape[1] - 1
        nats += model(ids, labels=ids).loss.item() * count
        tokens += count
    generated = {
        prompt: model.generate(
            **tokenizer(prompt, return_tensors="pt"), max_new_tokens=20, do_sample=False
        )[0].tolist()
        for prompt in PROMPTS
    }
(ROOT / "tooling" / "embedded-models" / "fixtures").mkdir(exist_ok=True)
save_json(
    ROOT / "tooling" / "embedded-models" / "fixtures" / "gpt-expected.json",
    {"documents": len(documents), "tokens": tokens, "loss": nats / tokens, "generated": generated},
)
print(nats / tokens, tokens, generated)
