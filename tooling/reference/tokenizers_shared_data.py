"""Writes packages/tokenizers/fixtures/shared-data.json: checksums of what Hugging Face's Rust library
makes of every line of the corpora and task files beside the repository, and of random strings, with
six real vocabularies. The data are not in the repository; where they are absent, the test says so.

Run from the repository root: python tooling/reference/tokenizers_shared_data.py
"""

import array
import json
import os
import pathlib
import zlib

from tokenizers import BertWordPieceTokenizer, Tokenizer

ROOT = pathlib.Path(__file__).parents[2]
DATA = pathlib.Path(os.environ.get("MULTIHEAD_SHARED_DATA", ROOT.parent / "shared/data"))
GROUP = 1000  # lines to a checksum
VOCABULARIES = {
    "bert-base-uncased/tokenizer.json": None,
    "bert-base-cased/vocab.txt": False,
    "bert-base-chinese/vocab.txt": False,
    "bert-base-multilingual-uncased/tokenizer.json": None,
    "gpt2/tokenizer.hf.json": None,
    "roberta-base/tokenizer.json": None,
}
FILES = [
    "corpora/names.txt", "corpora/tinyshakespeare.txt", "corpora/tinystories_1000.json", "corpora/wikitext-2/test.txt", "corpora/wikitext-2/valid.txt",
    "tasks/SST-2/dev.tsv", "tasks/SST-2/test.tsv", "tasks/SST-2/train.tsv", "tasks/STS-B/stsb-en-dev.csv", "tasks/STS-B/stsb-en-test.csv",
    "tasks/STS-B/stsb-en-train.csv", "tasks/WNUT-17/emerging.dev.conll", "tasks/WNUT-17/emerging.test.annotated", "tasks/WNUT-17/wnut17train.conll",
    "tasks/XQuAD/xquad.en.json", "vocab/llama-cpp-cases/ggml-vocab-bert-bge.gguf.inp", "vocab/llama-cpp-cases/ggml-vocab-gpt-2.gguf.inp",
]
# What random strings are made of: characters of these ranges, and these snippets.
RANGES = [
    [0x20, 0x7E], [0x61, 0x7A], [0x61, 0x7A], [0x41, 0x5A], [0x30, 0x39], [0x00, 0x1F], [0x7F, 0xA0], [0xA1, 0x24F], [0x300, 0x36F], [0x300, 0x36F],
    [0x370, 0x5FF], [0x590, 0x8FF], [0x900, 0x10FF], [0x1100, 0x11FF], [0x1AB0, 0x1AFF], [0x1DC0, 0x1FFF], [0x2000, 0x206F], [0x2000, 0x200F], [0x2070, 0x2BFF],
    [0x3000, 0x30FF], [0x3400, 0x9FFF], [0xA640, 0xA8FF], [0xAC00, 0xD7A3], [0xE000, 0xF8FF], [0xF900, 0xFFFF], [0x10000, 0x1FFFF], [0x1D165, 0x1D1AD],
    [0x1F300, 0x1FAFF], [0x20000, 0x3134F], [0x2F800, 0x2FA1F], [0xE0000, 0xE01FF], [0x0, 0x10FFFF],
]
SNIPPETS = [
    " ", " ", " ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u0085", "the", "The", "ing", "unaffable", "running", "U.S.", "it's", "don't", "'ll", "'re", "I've",
    "1234", "3.14", "$5", "%", "...", "—", "\u0301", "\u0323", "\u200d", "\ufe0f", "\u200c", "é", "İ", "ß", "ﬁ", "Σ", "中国", "日本語", "한국어", "が", "かな", "العربية", "שלום", "हिन्दी",
    "ไทย", "👨‍👩‍👧‍👦", "👍🏽", "🇩🇪", "😀", "[MASK]", "[CLS]", "[SEP]", "[UNK]", "[PAD]", "<s>", "</s>", "<mask>", "<pad>", "<unk>", "<|endoftext|>", "[mask]", "##", "Ġ", "\ufffd",
]


class Mulberry32:
    """The generator that the test has too."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x6D2B79F5) & 0xFFFFFFFF
        t = self.state
        t = ((t ^ (t >> 15)) * (t | 1)) & 0xFFFFFFFF
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        return (t ^ (t >> 14)) % n


def random_texts(seed, count):
    rng = Mulberry32(seed)
    texts = []
    for _ in range(count):
        parts = []
        span = RANGES[0]
        for _ in range(rng.below(25)):
            kind = rng.below(8)
            if kind < 3:
                parts.append(SNIPPETS[rng.below(len(SNIPPETS))])
                continue
            if kind < 5:
                span = RANGES[rng.below(len(RANGES))]
            code = span[0] + rng.below(span[1] - span[0] + 1)
            parts.append("\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code))
        text = "".join(parts)
        texts.append(text * (1 + rng.below(12)) if rng.below(50) == 0 else text)
    return texts


def load(path, lowercase):
    if lowercase is None:
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer
    return Tokenizer.from_str(BertWordPieceTokenizer(str(path), lowercase=lowercase).to_str())


def checksums(tokenizer, texts):
    sums = []
    for at in range(0, len(texts), GROUP):
        numbers = array.array("i")
        group = texts[at : at + GROUP]
        for text, encoding in zip(group, tokenizer.encode_batch(group)):
            places = [0]
            for char in text:
                places.append(places[-1] + (2 if ord(char) > 0xFFFF else 1))
            numbers.extend(encoding.ids)
            numbers.append(-1)
            for start, end in encoding.offsets:
                numbers.append(places[start])
                numbers.append(places[end])
            numbers.append(-1)
        sums.append(zlib.crc32(numbers.tobytes()))
    return sums


if __name__ == "__main__":
    random = {"seed": 20261, "count": 100_000, "ranges": RANGES, "snippets": SNIPPETS}
    strings = random_texts(random["seed"], random["count"])
    results = []
    for name, lowercase in VOCABULARIES.items():
        tokenizer = load(DATA / "vocab" / name, lowercase)
        files = {}
        for file in FILES:
            lines = (DATA / file).read_bytes().decode().split("\n")
            files[file] = checksums(tokenizer, lines)
        results.append({"vocabulary": name, "lowercase": lowercase, "files": files, "random": checksums(tokenizer, strings)})
        print(name, flush=True)
    target = ROOT / "packages/tokenizers/fixtures/shared-data.json"
    target.write_text(json.dumps({"group": GROUP, "random": random, "results": results}, separators=(",", ":")) + "\n")
    print(target.stat().st_size)
