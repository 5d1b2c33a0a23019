"""PyTorch's part in training.mjs: one training step for each line it is sent, on one thread.

usage: training_torch.py gpt|bert. Answers with the loss before the step. Hugging Face's models as
they are trained: logits at every position, dropout on, gradients clipped to a norm of 1, AdamW.
"""

import sys
import warnings

import torch
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel
from transformers.utils import logging

warnings.filterwarnings("ignore")
logging.set_verbosity_error()
torch.set_num_threads(1)
torch.manual_seed(0)
if sys.argv[1] == "gpt":
    shape, vocab_size = (8, 128), 4096
    size = {"n_layer": 4, "n_embd": 256, "n_head": 4, "n_positions": 128}
    config = GPT2Config(vocab_size=vocab_size, bos_token_id=0, eos_token_id=0, **size)
    model = GPT2LMHeadModel(config)
else:
    shape, vocab_size = (16, 128), 30522
    size = {"num_hidden_layers": 2, "hidden_size": 128, "num_attention_heads": 2}
    config = BertConfig(
        vocab_size=vocab_size, intermediate_size=512, max_position_embeddings=128, **size
    )
    model = BertForMaskedLM(config)
input_ids = torch.randint(1, vocab_size, shape)
labels = input_ids
if sys.argv[1] == "bert":
    labels = input_ids.masked_fill(torch.rand(shape) >= 0.15, -100)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
model.train()
print("ready", flush=True)
for _ in sys.stdin:
    loss = model(input_ids=input_ids, labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    print(loss.item(), flush=True)
