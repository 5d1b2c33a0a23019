"""Files that torch.save and pickle.dump write, for `packages/checkpoint/fixtures/torch`.

State dicts, checkpoints and whole modules in both formats of torch.save, tensors of every dtype and every way to
lie in a storage, plain pickles of every protocol, and pickles that would run something. `expected.safetensors` has
the tensors of `tensors.pt` and `tensors-legacy.pt`; `module.safetensors` the state dict of `module*.pt`.
"""

import argparse
import base64
import collections
import functools
import os
import pickle
import re
import shutil
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from fixture import fixtures, generator, save_json


class Block(nn.Module):
    """What a whole-module pickle has in it: parameters, buffers of both kinds, no bias, a module twice."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.norm = nn.LayerNorm(2)
        self.activation = nn.functional.relu
        self.bare = nn.Linear(2, 2, bias=False)
        self.register_buffer("table", torch.arange(4.0))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Block(), Block()])
        self.again = self.layers[0]
        self.weights = nn.ParameterList([nn.Parameter(torch.ones(2)), nn.Parameter(torch.zeros(1))])
        self.dropout = nn.Dropout(0.1)
        self.n_token = 10


def tensors():
    random = generator(1)
    base = torch.randn(4, 6, generator=random)
    weight = torch.randn(5, 3, generator=random)
    state = {
        "f64": torch.randn(3, generator=random, dtype=torch.float64),
        "f32": base,
        "f16": base.half(),
        "bf16": base.bfloat16(),
        "i64": torch.tensor([0, 1, -1, 2**63 - 1, -(2**63)]),
        "i32": torch.tensor([0, 1, -1, 2**31 - 1, -(2**31)], dtype=torch.int32),
        "i16": torch.tensor([0, 1, -1, 32767, -32768], dtype=torch.int16),
        "i8": torch.tensor([0, 1, -1, 127, -128], dtype=torch.int8),
        "u8": torch.tensor([0, 1, 128, 255], dtype=torch.uint8),
        "bool": torch.tensor([[True, False], [False, True]]),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0),
        "empty.rows": torch.empty(3, 0, 2),
        # Views of one storage.
        "tied.in": weight,
        "tied.out": weight,
        "turned": base.T,
        "columns": base[:, 1:4],
        "rows": base[1:3],
        "every.second": base[::2, ::3],
        "one": base[2, 3],
        "permuted": torch.arange(24, dtype=torch.int16).reshape(2, 3, 4).permute(2, 0, 1),
        "expanded": torch.tensor([7.0]).expand(3, 2),
        "windows": torch.arange(6.0).unfold(0, 3, 1),
        # What has ways of its own to be written.
        "parameter": nn.Parameter(torch.ones(2, 2)),
        "with attributes": torch.tensor([3.0]),
        "naïve 名前": torch.tensor([1.0]),
    }
    state["with attributes"].note = "kept by torch, not by us"
    unsigned = {  # storages without a dtype, only in the new format
        "u16": torch.tensor([0, 1, 65535], dtype=torch.uint16),
        "u32": torch.tensor([0, 1, 2**32 - 1], dtype=torch.uint32),
        "u64": torch.tensor([0, 1, 2**64 - 1], dtype=torch.uint64),
    }
    return state, unsigned


def plain(tensors):
    return {name: t.detach().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}


def values():
    """What pickles hold beside tensors; as JSON beside them, dicts as lists of pairs."""
    return {
        "none": None, "yes": True, "no": False, "zero": 0, "small": 255, "short": 65535, "negative": -7, "int": 2**31 - 1,
        "long": 2**40, "longer": -(2**40), "float": -1.5e-8, "text": "naïve 名前 😀\n\\u0041 'q' \"",
        "list": [1, [2, [3, []]]], "tuple": (1, 2, (3, 4, 5), (6, 7, 8, 9)), "empty": {}, "many": list(range(1200)),
        "nested": {"a": {"b": {"c": [None]}}}, "shared": [["x"]] * 3,
    }  # fmt: skip


def as_json(value):
    if isinstance(value, dict):
        return {"dict": [[key, as_json(item)] for key, item in value.items()]}
    return [as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def classes():
    """What is more than values, each with what is made of it."""
    counter = collections.Counter("hello")
    return {
        "ordered": (collections.OrderedDict([("b", 1), ("a", 2)]), {"dict": [["b", 1], ["a", 2]]}),
        "counter": (counter, as_json(dict(counter))),
        "default": (collections.defaultdict(list, {"a": [1]}), {"dict": [["a", [1]]]}),
        "set": ({5}, {"set": [5]}),
        "frozen": (frozenset(["x"]), {"set": ["x"]}),
        "bytes": (b"\x00\xff", {"bytes": [0, 255]}),
        "bytearray": (bytearray(b"\x01"), {"bytes": [1]}),
        "pattern": (re.compile("a+"), {"object": "re.Pattern", "state": [["pattern", "a+"], ["flags", 32]]}),
        "object": (argparse.Namespace(lr=0.5), {"object": "argparse.Namespace", "state": [["lr", 0.5]]}),
    }


class Reduced:
    """Pickled as a call."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call

    def __call__(self):
        raise AssertionError("only ever pickled")


def attacks():
    """What would run something, with the name that the refusal has to give."""
    shell = Reduced(os.system, ("echo pwned",))
    partial = Reduced(functools.partial, (os.system, "echo pwned"))
    return {
        "os.system": ("posix.system", shell),
        "eval": ("builtins.eval", Reduced(eval, ("1 + 1",))),
        "exec": ("builtins.exec", Reduced(exec, ("x = 1",))),
        "import": ("builtins.__import__", Reduced(getattr, (Reduced(__import__, ("os",)), "system"))),
        "rmtree": ("shutil.rmtree", Reduced(shutil.rmtree, ("/",))),
        "nested reduce": ("functools.partial", Reduced(partial, ())),
        "in a dict": ("posix.system", {"model": {"weight": [shell]}}),
        "load from bytes": ("torch.storage._load_from_bytes", Reduced(torch.storage._load_from_bytes, (b"",))),
        "set state by call": ("builtins.setattr", Reduced(collections.OrderedDict, (), {"a": 1}, None, None, setattr)),
        "list of calls": ("builtins.print", Reduced(list, ([Reduced(print, ("pwned",))],))),
    }  # fmt: skip


def write(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    state, unsigned = tensors()
    expected = plain(state)
    save_file(expected, folder / "expected.safetensors")
    torch.save({**state, **unsigned}, folder / "tensors.pt")
    save_file(plain(unsigned), folder / "unsigned.safetensors")
    torch.save(state, folder / "tensors-legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(state, folder / "tensors-protocol-4.pt", pickle_protocol=4)

    torch.manual_seed(2)
    model = Model()
    save_file(plain(model.state_dict()), folder / "module.safetensors")
    torch.save(model, folder / "module.pt")
    torch.save(model, folder / "module-legacy.pt", _use_new_zipfile_serialization=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model.layers[0].linear(torch.ones(3)).sum().backward()
    optimizer.step()
    save_file(plain(model.state_dict()), folder / "checkpoint.safetensors")
    args = argparse.Namespace(lr=0.1, device=torch.device("cpu"), dtype=torch.float32)
    torch.save(
        {"iter_num": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "args": args},
        folder / "checkpoint.pt",
    )

    # The model of `fixtures/single` as transformers before 5 wrote it without safetensors, whole and in shards.
    weights = load_file(folder.parent / "single" / "model.safetensors")
    config = (folder.parent / "single" / "config.json").read_text()
    for name in ("bin", "bin-sharded"):
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(config)
    torch.save(weights, folder / "bin" / "pytorch_model.bin")
    keys = list(weights)
    halves = {"00001": keys[: len(keys) // 2], "00002": keys[len(keys) // 2 :]}
    total = sum(t.numel() * t.element_size() for t in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": {}}
    for number, part in halves.items():
        shard = f"pytorch_model-{number}-of-00002.bin"
        torch.save({key: weights[key] for key in part}, folder / "bin-sharded" / shard)
        index["weight_map"].update(dict.fromkeys(part, shard))
    save_json(folder / "bin-sharded" / "pytorch_model.bin.index.json", index)

    def encoded(value):
        return [base64.b64encode(pickle.dumps(value, protocol)).decode() for protocol in range(6)]

    save_json(
        folder / "pickles.json",
        {
            "values": {"expected": as_json(values()), "protocols": encoded(values())},
            "classes": {
                name: {"expected": made, "protocols": encoded(value)}
                for name, (value, made) in classes().items()
            },
            "attacks": {
                name: {"refused": refused, "protocols": encoded(value)}
                for name, (refused, value) in attacks().items()
            },
        },
    )
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 1000:.0f} kB, {len(state)} tensors")


if __name__ == "__main__":
    # The names of classes in a pickle should not depend on how this was started.
    Block.__module__ = Model.__module__ = Reduced.__module__ = "torch_files"
    sys.modules["torch_files"] = sys.modules["__main__"]
    write(fixtures("checkpoint") / "torch")
