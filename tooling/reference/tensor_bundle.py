"""TensorFlow checkpoints, for `packages/checkpoint/fixtures/bundle`: tensors of every dtype, in one file and in
several, a partitioned variable, and an index compressed with Snappy. `expected.json` has their bytes.

Needs TensorFlow, in an environment of its own: pip install tensorflow-cpu==2.21.0 cramjam google-crc32c
"""

import json
import os
import shutil
import struct
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import cramjam
import google_crc32c
import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).resolve().parents[2] / "packages/checkpoint/fixtures/bundle"


def tensors():
    random = np.random.default_rng(1)
    floats = random.standard_normal((3, 5))
    all_dtypes = {
        "F64": floats.astype(np.float64), "F32": floats.astype(np.float32), "F16": floats.astype(np.float16),
        "BF16": tf.cast(floats, tf.bfloat16).numpy(), "I64": np.array([0, -1, 2**62], np.int64),
        "I32": np.array([0, -1, 2**30], np.int32), "I16": np.array([0, -1, 2**14], np.int16),
        "I8": np.array([0, -1, 127], np.int8), "U64": np.array([0, 2**63], np.uint64),
        "U32": np.array([0, 2**31], np.uint32), "U16": np.array([0, 2**15], np.uint16),
        "U8": np.array([0, 255], np.uint8), "BOOL": np.array([[True], [False]]),
    }  # fmt: skip
    more = {f"layer_{i:03}/kernel": ("F32", random.standard_normal((2, 3)).astype(np.float32)) for i in range(60)}
    return {
        **{f"dtypes/{dtype}": (dtype, value) for dtype, value in all_dtypes.items()},
        **more,
        "scalar": ("F32", np.float32(2.5)),
        "empty": ("F32", np.zeros((0, 3), np.float32)),
        "naïve 名前": ("F32", np.ones(1, np.float32)),
    }


def save(prefix, values, slices=None):
    names = list(values)
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=names, shape_and_slices=slices or [""] * len(names),
        tensors=[tf.constant(value) for value in values.values()],
    )  # fmt: skip


def compressed(index):
    """The table again, with its blocks compressed (LevelDB's table format)."""
    footer = index[-48:]

    def varint(data, at):
        value = shift = 0
        while True:
            byte = data[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value, at

    def encoded(value):
        out = b""
        while value >= 0x80:
            out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
        return out + bytes([value])

    _, at = varint(footer, 0)
    _, at = varint(footer, at)
    index_at, at = varint(footer, at)
    index_size, _ = varint(footer, at)
    block = index[index_at : index_at + index_size]
    # One data block: its last key, and where it is.
    _, at = varint(block, 0)
    key_size, at = varint(block, at)
    value_size, at = varint(block, at)
    key = block[at : at + key_size]
    data_at, at = varint(block, at + key_size)
    data_size, at = varint(block, at)
    (restarts,) = struct.unpack("<I", block[-4:])
    assert restarts == 1, "one data block expected"

    out = b""

    def put(content):
        nonlocal out
        packed = bytes(cramjam.snappy.compress_raw(content)) + b"\x01"
        crc = google_crc32c.value(packed)
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        handle = encoded(len(out)) + encoded(len(packed) - 1)
        out += packed + struct.pack("<I", masked)
        return handle

    data = put(index[data_at : data_at + data_size])
    meta = put(struct.pack("<II", 0, 1))
    entry = b"\x00" + encoded(len(key)) + encoded(len(data)) + key + data
    where = put(entry + struct.pack("<II", 0, 1))
    return out + (meta + where).ljust(40, b"\x00") + footer[-8:]


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    values = tensors()
    expected = {
        name: {"dtype": dtype, "shape": list(np.shape(value)), "bytes": np.asarray(value).tobytes().hex()}
        for name, (dtype, value) in values.items()
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")
    arrays = {name: value for name, (_, value) in values.items()}
    # What is no tensor of numbers is left out by the reader.
    save(FOLDER / "model.ckpt", {**arrays, "_CHECKPOINTABLE_OBJECT_GRAPH": b"not a tensor of numbers"})
    (FOLDER / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model.ckpt"\n')

    names = list(arrays)
    for part in range(3):
        save(FOLDER / f"part-{part}", {name: arrays[name] for name in names[part::3]})
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(FOLDER / f"part-{part}") for part in range(3)],
        destination_prefix=str(FOLDER / "parts.ckpt"), delete_old_dirs=False,
    )  # fmt: skip

    # Small enough for one block.
    few = {name: arrays[name] for name in names[:8]}
    save(FOLDER / "snappy.ckpt", few)
    index = FOLDER / "snappy.ckpt.index"
    index.write_bytes(compressed(index.read_bytes()))
    assert sorted(name for name, _ in tf.train.list_variables(str(FOLDER / "snappy.ckpt"))) == sorted(few)

    whole = np.arange(12, dtype=np.float32).reshape(4, 3)
    save(FOLDER / "sliced.ckpt", {"v": whole[:2], "w": whole}, ["4 3 0,2:-", ""])
    for file in FOLDER.glob("*.tempstate*"):
        shutil.rmtree(file)
    for prefix in ("model", "parts", "snappy", "sliced"):
        print(prefix, tf.train.list_variables(str(FOLDER / f"{prefix}.ckpt"))[:3])
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    print(sorted(file.name for file in files), sum(file.stat().st_size for file in files), "bytes")


if __name__ == "__main__":
    main()
