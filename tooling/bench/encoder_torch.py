"""PyTorch's part in bert.mjs: a forward pass for each line of ids it is sent.

usage: encoder_torch.py MODEL THREADS; a line is JSON, rows of ids; `again` repeats the last.
"""

import json
import sys
import warnings

import torch
from transformers import BertModel

warnings.filterwarnings("ignore")
model_folder, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
model = BertModel.from_pretrained(model_folder, add_pooling_layer=False).eval()
print("ready", flush=True)
ids = None
with torch.inference_mode():
    for line in sys.stdin:
        if line.strip() != "again":
            ids = torch.tensor(json.loads(line))
        states = model(input_ids=ids).last_hidden_state
        print(json.dumps(states.flatten()[:1000].tolist()), flush=True)
