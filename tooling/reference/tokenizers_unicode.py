"""Writes packages/tokenizers/src/unicode-tables.ts: where today's JavaScript engines and Hugging Face's
Rust library differ in what is punctuation, a mark, a letter, and so on.

The library's crates carry Unicode data of different ages, engines newer ones. The tables list what an
engine with Unicode 17 knows and the library does not; older engines know less of the same. Run from
the repository root, with node in the path: python tooling/reference/tokenizers_unicode.py
"""

import json
import pathlib
import subprocess

from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
TARGET = pathlib.Path(__file__).parents[2] / "packages/tokenizers/src/unicode-tables.ts"

ENGINE = r"""
const codes = (test) => {
  const found = [];
  for (let c = 0; c < 0x110000; c++) {
    if ((c < 0xd800 || c > 0xdfff) && test(String.fromCodePoint(c))) found.push(c);
  }
  return found;
};
const matching = (pattern) => codes((char) => pattern.test(char));
const isMark = (char) =>
  char.normalize('NFD') === char && ('a\u0345' + char !== ('a\u0345' + char).normalize('NFD') || 'a' + char + '\u0334' !== ('a' + char + '\u0334').normalize('NFD'));
console.log(JSON.stringify({
  unicode: process.versions.unicode,
  punctuation: matching(/[\p{P}$+<=>^`|~]/u), removed: matching(/[\p{Cc}\p{Cf}\p{Co}\uFFFD]/u), nonspacing: matching(/\p{Mn}/u), marks: matching(/\p{M}/u),
  word: matching(/[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u), letter: matching(/\p{L}/u), number: matching(/\p{N}/u),
  normalized: codes((char) => char.normalize('NFKD') !== char || isMark(char)), lower: codes((char) => char.toLowerCase() !== char), space: matching(/\p{White_Space}/u),
  ideograph: matching(/[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/u),
}));
"""


def packed(codes, known):
    """Gap since the last range, and length less one where it is not 0, in base 36: "1e-3 2 …".

    Ranges are joined over characters that are none of the `known`: such as have no place yet, or one
    that the rules do not ask for.
    """
    ranges = []
    for c in sorted(codes):
        if ranges and not any(between in known for between in range(ranges[-1][1] + 1, c)):
            ranges[-1][1] = c
        else:
            ranges.append([c, c])
    words, end = [], 0
    for first, last in ranges:
        words.append(base36(first - end) + (f"-{base36(last - first)}" if last > first else ""))
        end = last + 1
    return " ".join(words)


def base36(n):
    digits = ""
    while True:
        n, digit = divmod(n, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        if n == 0:
            return digits


def bert(**options):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **options})


def codes(belongs):
    return {c for c in CODE_POINTS if belongs(chr(c))}


def pieces(pre_tokenizer, count):
    """The characters that `pre_tokenizer` cuts into `count` pieces together with a letter on each side."""
    return codes(lambda char: len(pre_tokenizer.pre_tokenize_str(f"a{char}a")) == count)


def matched(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return codes(lambda char: split.pre_tokenize_str(char) == [])


clean, accents, combining = bert(clean_text=True), bert(strip_accents=True), normalizers.StripAccents()
nfd, nfkd, lowercase = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str, normalizers.Lowercase()
engine = {name: set(found) if isinstance(found, list) else found for name, found in json.loads(subprocess.run(["node", "-e", ENGINE], capture_output=True, check=True, text=True).stdout).items()}
print("engine's Unicode", engine["unicode"])
library = {
    "punctuation": pieces(pre_tokenizers.BertPreTokenizer(), 3),
    "removed": codes(lambda char: clean.normalize_str(char) == ""),
    "nonspacing": codes(lambda char: accents.normalize_str(char) == ""),
    "marks": codes(lambda char: combining.normalize_str(char) == ""),
    "word": pieces(pre_tokenizers.Whitespace(), 1),
    "letter": matched(r"\p{L}"),
    "number": matched(r"\p{N}"),
    "numeric": pieces(pre_tokenizers.Digits(individual_digits=True), 3),
    "normalized": codes(
        lambda char: nfkd(char) != char
        or (nfd(char) == char and (nfd(f"a\u0345{char}") != f"a\u0345{char}" or nfd(f"a{char}\u0334") != f"a{char}\u0334"))
    ),
    "lower": codes(lambda char: lowercase.normalize_str(char) != char),
}
younger = {name: engine[name] - library[name] for name in engine if name in library}
older = {name: sorted(library[name] - engine[name]) for name in younger}
assert not library["numeric"] ^ engine["number"] and not younger["lower"], "numbers or letters' cases differ"
print("known to the library only:", {name: [hex(c) for c in found] for name, found in older.items() if found})
# U+111C9 was punctuation and is a mark now; it and others known to the library only are named in the sources.
kinds = (younger["punctuation"] | younger["nonspacing"] | younger["removed"]) - {9, 10, 13, 0x111C9}
for name in ("punctuation", "nonspacing", "removed"):
    assert not kinds & library[name], (name, [hex(c) for c in kinds & library[name]])

# What else the tables' users ask for: white space, controls that are spaces, ideographs.
others = engine["space"] | engine["ideograph"] | {9, 10, 13, 0x111C9}


def known(*names):
    return others.union(*(library[name] for name in names))


TABLES = {
    "YOUNGER": ("Punctuation, nonspacing marks and formats that the library does not know.", kinds, known("punctuation", "nonspacing", "removed")),
    "YOUNGER_NORMALIZATION": ("Decompositions and combining classes that the library does not know.", younger["normalized"], known("normalized")),
    "YOUNGER_MARKS": ("Marks that the StripAccents normalizer does not know.", younger["marks"], known("marks")),
    "YOUNGER_LETTERS": ("Letters and numbers that the ByteLevel pattern does not know.", younger["letter"] | younger["number"], known("letter", "number")),
    "YOUNGER_WORD": (r"Letters, marks and digits that the library's \w does not know.", younger["word"], known("word")),
}
lines = [
    "// Written by tooling/reference/tokenizers_unicode.py; do not edit.",
    "// Ranges of code points: the gap since the last range, then its length less one if not 0, in base 36.",
]
for name, (meaning, found, kept) in TABLES.items():
    lines += ["", f"/** {meaning} */", f"export const {name}: string =", f"  '{packed(found, kept)}';"]
TARGET.write_text("\n".join(lines) + "\n")
print({name: len(found) for name, (_, found, _) in TABLES.items()})
