"""Safetensors files and folders as the reference libraries write them, for `packages/checkpoint/fixtures`.

`checkpoint.py` writes the fixtures. `checkpoint.py check FOLDER` reads, with those libraries, what
`packages/checkpoint` wrote into a folder, and fails where it is not what was meant.
"""

import json
import struct
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file
from transformers import BertConfig, BertModel

from fixture import draw_weights, fixtures, save_json

# Halves and brain floats at which rounding shows: ties, subnormals, the ends of the range.
EDGES = [
    0.0, -0.0, 1.0, -1.0, 2**-24, 2**-25, 2**-25 * 1.0001, 3 * 2**-25, 2**-14, 2**-14 - 2**-25, 2**-149, 1e-40,
    65504.0, 65519.996, 65520.0, 65536.0, -65520.0, 1e30, 3.3895314e38, 3.3961775e38, 3.4028235e38, float("inf"),
    -float("inf"), 1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, 1 / 3, -0.1,
]  # fmt: skip
LONGS = [0, 1, -1, 2**31 - 1, -(2**31), 2**53 + 1, 2**62 + 2**38 + 1, -(2**62 + 2**38 + 1), 2**63 - 1, -(2**63)]


def dtypes():
    """A tensor of every dtype: extremes, and what float32 makes of them."""
    integers = {
        "i8": torch.tensor([0, 1, -1, 127, -128], dtype=torch.int8),
        "i16": torch.tensor([0, 1, -1, 32767, -32768], dtype=torch.int16),
        "i32": torch.tensor([0, 1, -1, 2**31 - 1, -(2**31), 2**24 + 1], dtype=torch.int32),
        "i64": torch.tensor(LONGS, dtype=torch.int64),
        "u8": torch.tensor([0, 1, 128, 255], dtype=torch.uint8),
        "u16": torch.tensor([0, 1, 32768, 65535], dtype=torch.uint16),
        "u32": torch.tensor([0, 1, 2**31, 2**32 - 1], dtype=torch.uint32),
        "u64": torch.tensor([0, 1, 2**53 + 1, 2**63, 2**64 - 1], dtype=torch.uint64),
        "bool": torch.tensor([[True, False], [False, True]]),
    }
    random = torch.randn(64, generator=torch.Generator().manual_seed(1)) * 10 ** torch.linspace(-8, 6, 64)
    exact = torch.cat([torch.tensor(EDGES, dtype=torch.float64), random.double()])
    floats = {
        "f64": exact,
        "f32": exact.float(),
        "f16": exact.float().half(),
        "bf16": exact.float().bfloat16(),
        "every_f16": torch.arange(65536).to(torch.uint16).view(torch.float16),
    }
    return {**integers, **floats}


def write(folder):
    tensors = dtypes()
    every_half = tensors.pop("every_f16")
    save_file(tensors, folder / "dtypes.safetensors", metadata={"format": "pt"})
    # Float32 bits of each: the test compares them one by one.
    bits = {name: t.to(torch.float32).contiguous().view(torch.int32).flatten().tolist() for name, t in tensors.items()}
    save_json(folder / "dtypes-as-float32-bits.json", bits)
    # All halves at once: a checksum over the float32 bits of those that are numbers, each weighted by its place.
    numbers = ~every_half.isnan()
    wide = every_half[numbers].float().view(torch.int32).to(torch.int64) & 0xFFFFFFFF
    places = torch.arange(65536)[numbers] % 251
    save_json(folder / "every-half.json", {"numbers": int(numbers.sum()), "checksum": str(int((wide * places).sum()))})

    shapes = {
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0),
        "empty.rows": torch.empty(3, 0, 2),
        "naïve \"quoted\" 名前": torch.tensor([1.0]),
        "odd": torch.tensor([1, 2, 3], dtype=torch.uint8),
        "rank5": torch.arange(24, dtype=torch.int32).reshape(1, 2, 3, 4, 1),
    }
    save_file(shapes, folder / "shapes.safetensors", metadata={"note": "a \"note\"\n名"})
    (folder / "nothing.safetensors").write_bytes(save({}))

    # Odd alignment: allowed by the format, though the library's own writer avoids it.
    unaligned = {"byte": ("U8", [1], b"\x07"), "float": ("F32", [2], struct.pack("<2f", 1.5, -2.0))}
    header, data = {}, b""
    for name, (dtype, shape, raw) in unaligned.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    (folder / "unaligned.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    load_file(folder / "unaligned.safetensors")  # the reference reads it

    config = BertConfig(
        vocab_size=24, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12,
        max_position_embeddings=10, layer_norm_eps=1e-12, initializer_range=1e-05,
    )  # fmt: skip
    model = draw_weights(BertModel(config), 7)
    model.save_pretrained(folder / "single")
    model.save_pretrained(folder / "sharded", max_shard_size=1500)
    for name in ("single", "sharded"):
        files = sorted(file.name for file in (folder / name).iterdir())
        print(name, files)


def check(folder):
    """Reads a folder that saveFolder wrote: the weights of `fixtures/single`, whole and in shards."""
    expected = load_file(fixtures("checkpoint") / "single" / "model.safetensors")
    for name in ("single", "sharded"):
        model, notes = BertModel.from_pretrained(folder / name, output_loading_info=True)
        assert not notes["missing_keys"] and not notes["unexpected_keys"], notes
        weights = model.state_dict()
        assert expected.keys() <= weights.keys()
        assert all(torch.equal(weights[key], value) for key, value in expected.items())
    with safe_open(folder / "dtypes.safetensors", "pt") as file:
        ours = {key: file.get_tensor(key) for key in file.keys()}
    theirs = load_file(fixtures("checkpoint") / "dtypes.safetensors")
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        same = ours[key].shape == value.shape and torch.equal(ours[key].view(torch.uint8), value.view(torch.uint8))
        assert same and ours[key].dtype == value.dtype, key
    print("the reference reads what we wrote")


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        from pathlib import Path

        check(Path(sys.argv[2]))
    else:
        write(fixtures("checkpoint"))
