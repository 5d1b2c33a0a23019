"""Writes tooling/embedded-models/fixtures/transformer-xl-expected.json: what transformers 4.35, the last version that
has Transformer-XL, makes of models/transformer-xl-mini-english.

    old/bin/python embedded_transformer_xl.py ../embedded-models/.cache/transformer-xl-mini-english/held-out.txt

The file is what `run transformer-xl` leaves there: the held-out documents, parted by blank lines; the environment is
that of transformer_xl.py. Of each document the first 257 tokens are gone through in segments of 64, all but the first
scored: with the memory that the model was trained with, which is empty to begin with, and without. Then three prompts
are gone on with, always by the likeliest token that the model may write.
"""

import json
import re
import sys
import warnings
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, TransfoXLLMHeadModel

from fixture import save_json

warnings.filterwarnings("ignore")

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = ["The president of the United States", "She opened the door and", "Call me"]
SEGMENT, SEGMENTS = 64, 4

folder = ROOT / "models" / "transformer-xl-mini-english"
model = TransfoXLLMHeadModel.from_pretrained(folder).eval()
tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
suppressed = json.loads((folder / "generation_config.json").read_text())["suppress_tokens"]
documents = [text.rstrip() for text in re.split(r"\n{2,}", Path(sys.argv[1]).read_text())]
trained = model.config.mem_len


def empty():
    """Memories to begin with, [0, batch, d_model] a layer: with none given, transformers takes zeros for them."""
    return [torch.zeros(0, 1, model.config.d_model) for _ in range(model.config.n_layer)]


def score(mem_len):
    """Mean nats a token, and how many tokens."""
    model.reset_memory_length(mem_len)
    nats, tokens = 0.0, 0
    for text in documents:
        ids = torch.tensor([tokenizer(text).input_ids[: SEGMENT * SEGMENTS + 1]])
        mems = empty() if mem_len > 0 else None
        for start in range(0, ids.shape[1] - 1, SEGMENT):
            end = min(start + SEGMENT, ids.shape[1] - 1)
            outputs = model(ids[:, start:end], mems=mems)
            targets = ids[0, start + 1 : end + 1]
            nats -= outputs.prediction_scores[0].gather(1, targets[:, None]).double().sum().item()
            tokens += len(targets)
            mems = outputs.mems
    return nats / tokens, tokens


def go_on(prompt, count=20):
    model.reset_memory_length(trained)
    ids = tokenizer(prompt).input_ids
    new, mems = ids, empty()
    for _ in range(count):
        outputs = model(torch.tensor([new]), mems=mems)
        scores, mems = outputs.prediction_scores[0, -1], outputs.mems
        scores[suppressed] = -torch.inf
        new = [scores.argmax().item()]
        ids = ids + new
        if new[0] == model.config.eos_token_id:
            break
    return ids


with torch.no_grad():
    loss, tokens = score(trained)
    without, _ = score(0)
    generated = {prompt: go_on(prompt) for prompt in PROMPTS}
save_json(
    ROOT / "tooling" / "embedded-models" / "fixtures" / "transformer-xl-expected.json",
    {
        "documents": len(documents), "tokens": tokens, "loss": loss, "lossWithoutMemory": without,
        "generated": generated,
    },
)  # fmt: skip
print(loss, without, tokens, generated)
