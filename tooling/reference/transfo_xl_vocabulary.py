"""Transformer-XL's vocabularies as they were saved, for `packages/checkpoint/fixtures/vocabulary`: by Hugging Face's
TransfoXLTokenizer (`vocab.pkl`), by torch.save of the same attributes (`vocab.bin`, as transfo-xl-wt103 has it, and in the
format before 1.6), and inside the corpora that the original code keeps (`cache.pt` of its PyTorch half, `cache.pkl`
of its TensorFlow half). `words.json` has the words in the order of their ids.

Run it twice: where transformers is 4.35 (pip install transformers==4.35.2 sacremoses "numpy<2", without torch), which
writes `vocab.pkl`, and then where torch is, which writes the others from it. With `unknown`, where transformers is 4.35, it
writes `packages/tokenizers/fixtures/transfo-xl-unknown.json`: what stands for unknown words in lists of words.
"""

import json
import pickle
import sys
import types
from collections import Counter, OrderedDict
from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[2] / "packages"
FOLDER = PACKAGES / "checkpoint/fixtures/vocabulary"
TEXT = "the cat sat on the mat .\nthe dog ran , 1 @,@ 000 times !\nnaïve café — 名前 the end\n"


def unknown():
    from tempfile import NamedTemporaryFile

    from transformers.models.transfo_xl.tokenization_transfo_xl import TransfoXLTokenizer

    text = "the zebra sat on the quagga ."
    lists = [["<S>", "the", "<UNK>"], ["<eos>", "<unk>", "the"], ["<unk>", "the", "<UNK>"]]
    cases = []
    for words in [[*start, "sat", "on", "."] for start in lists]:
        with NamedTemporaryFile("w") as file:
            file.writelines(f"{word} 1\n" for word in words)
            file.flush()
            ids = TransfoXLTokenizer(vocab_file=file.name).encode(text)
        cases.append({"words": words, "ids": ids})
    path = PACKAGES / "tokenizers/fixtures/transfo-xl-unknown.json"
    path.write_text(json.dumps({"text": text, "cases": cases}) + "\n")


def with_transformers():
    from transformers.models.transfo_xl.tokenization_transfo_xl import TransfoXLTokenizer

    FOLDER.mkdir(exist_ok=True)
    text = FOLDER / "text.txt"
    text.write_text(TEXT)
    tokenizer = TransfoXLTokenizer(special=["<eos>", "<unk>"], lower_case=False)
    tokenizer.count_file(str(text))
    tokenizer.build_vocab()
    text.unlink()
    tokenizer.save_vocabulary(str(FOLDER))
    (FOLDER / "words.json").write_text(json.dumps(tokenizer.idx2sym, ensure_ascii=False) + "\n")
    print(len(tokenizer.idx2sym), "words")


class Record:
    """What the original's classes Vocab and Corpus are to a pickle: attributes."""


def with_torch():
    import numpy as np
    import torch

    words = json.loads((FOLDER / "words.json").read_text())
    attributes = {
        "counter": Counter({word: len(word) for word in words[2:]}), "special": ["<eos>", "<unk>"], "min_freq": 0,
        "max_size": None, "lower_case": True, "delimiter": None, "vocab_file": None, "idx2sym": words,
        "sym2idx": OrderedDict((word, id) for id, word in enumerate(words)), "unk_idx": 1, "eos_idx": 0,
    }  # fmt: skip
    torch.save(attributes, FOLDER / "vocab.bin")
    torch.save(attributes, FOLDER / "vocab-legacy.bin", _use_new_zipfile_serialization=False)

    def named(module, name):
        made = type(name, (Record,), {"__module__": module})
        sys.modules.setdefault(module, types.ModuleType(module))
        setattr(sys.modules[module], name, made)
        return made

    vocab = named("vocabulary", "Vocab")()
    vocab.__dict__.update(attributes)
    corpus = named("data_utils", "Corpus")()
    corpus.__dict__.update(dataset="wt103", vocab=vocab, train=torch.arange(5), valid=torch.arange(3))
    torch.save(corpus, FOLDER / "cache.pt")
    corpus.__dict__.update(train=np.arange(5), valid=np.arange(3), cutoffs=[0, np.int64(3)])
    (FOLDER / "cache.pkl").write_bytes(pickle.dumps(corpus, protocol=2))
    print({file.name: file.stat().st_size for file in FOLDER.iterdir()})


if __name__ == "__main__":
    if sys.argv[1:] == ["unknown"]:
        sys.exit(unknown())
    try:
        import torch  # noqa: F401
    except ImportError:
        with_transformers()
    else:
        with_torch()
