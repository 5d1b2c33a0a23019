"""Writes packages/tokenizers/src/unicode-tables.ts: which code points Hugging Face's Rust library
treats as punctuation, marks, white space and so on, read off the library itself.

Its crates carry Unicode data of different ages, and so do JavaScript engines: only a table gives the
same ids everywhere. Run from the repository root: python tooling/reference/tokenizers_unicode.py
"""

import pathlib
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
TARGET = pathlib.Path(__file__).parents[2] / "packages/tokenizers/src/unicode-tables.ts"


def ranges(belongs):
    """The code points for which `belongs` holds, as [first, last] pairs."""
    found = []
    for c in CODE_POINTS:
        if belongs(c):
            if found and found[-1][1] == c - 1:
                found[-1][1] = c
            else:
                found.append([c, c])
    return found


def packed(pairs):
    """Gap since the last range, and length less one where it is not 0, in base 36: "1e-3 2 …"."""
    words, end = [], 0
    for first, last in pairs:
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


def between_letters(pre_tokenizer):
    """Into how many pieces `pre_tokenizer` cuts "a", the character, "a"."""
    return lambda c: len(pre_tokenizer.pre_tokenize_str(f"a{chr(c)}a"))


def matched(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return ranges(lambda c: split.pre_tokenize_str(chr(c)) == [])


clean = bert(clean_text=True)
chinese = bert(handle_chinese_chars=True)
accents = bert(strip_accents=True)
combining = normalizers.StripAccents()
nfd, nfkd = normalizers.NFD(), normalizers.NFKD()
bert_pieces = between_letters(pre_tokenizers.BertPreTokenizer())
word_pieces = between_letters(pre_tokenizers.Whitespace())
digit_pieces = between_letters(pre_tokenizers.Digits(individual_digits=True))


def newer(c):
    """The character decomposes or has a combining class in today's Unicode, unknown to the library's."""
    text = chr(c)
    if nfkd.normalize_str(text) == text and nfd.normalize_str(text) == text:
        if unicodedata.normalize("NFKD", text) != text:
            return True
    if unicodedata.combining(text) == 0:
        return False
    # A mark it knows is sorted against one of class 240 before it or one of class 1 after it.
    before, after = f"a\u0345{text}", f"a{text}\u0334"
    return nfd.normalize_str(before) == before and nfd.normalize_str(after) == after and (
        unicodedata.normalize("NFD", before) != before or unicodedata.normalize("NFD", after) != after
    )


# Additions of Unicode 15 to 17 that this Python's `unicodedata` may be too old to know.
RECENT = (
    "cf3 1ada-1add 1ae0-1aeb 897 10d69-10d6d 10efa-10eff 105c9 105e4 11383 11385 1138e 11391 113c5 "
    "113c7-113c8 113ce-113d0 11f41-11f42 16121-16128 1612f 16d68-16d6a 1ccd6-1ccf9 1e030-1e06d 1e08f "
    "1e4ec-1e4ef 1e5ee-1e5ef 1e6e3 1e6e6 1e6ee-1e6ef 1e6f5 a7f1-a7f4 1acf-1add"
)
recent = set()
for word in RECENT.split():
    first, _, last = word.partition("-")
    recent.update(range(int(first, 16), int(last or first, 16) + 1))
recent = {
    c
    for c in recent
    if nfkd.normalize_str(chr(c)) == chr(c) and nfd.normalize_str(f"a{chr(c)}\u0334") == f"a{chr(c)}\u0334"
    and nfd.normalize_str(f"a\u0345{chr(c)}") == f"a\u0345{chr(c)}"
}

TABLES = {
    "WHITE_SPACE": ("White space (Unicode's White_Space).", ranges(lambda c: bert_pieces(c) == 2)),
    "PUNCTUATION": (
        "Punctuation as BertPreTokenizer and Punctuation see it (category P, and all of ASCII's).",
        ranges(lambda c: bert_pieces(c) == 3),
    ),
    "REMOVED": (
        "What BertNormalizer's clean_text removes (U+0000, U+FFFD, categories Cc, Cf, Co but tab, line feed, return).",
        ranges(lambda c: clean.normalize_str(chr(c)) == ""),
    ),
    "CHINESE": (
        "What handle_chinese_chars sets apart by spaces.",
        ranges(lambda c: chinese.normalize_str(chr(c)) != chr(c)),
    ),
    "NONSPACING_MARKS": (
        "What BertNormalizer's strip_accents removes (category Mn).",
        ranges(lambda c: accents.normalize_str(chr(c)) == ""),
    ),
    "NEWER_NORMALIZATION": (
        "Decompositions and combining classes that are younger than the library's Unicode data: left alone.",
        ranges(lambda c: c in recent or newer(c)),
    ),
    "COMBINING_MARKS": (
        "What the StripAccents normalizer removes (category M).",
        ranges(lambda c: combining.normalize_str(chr(c)) == ""),
    ),
    "WORD": (
        r"\\w of the Whitespace pre-tokenizer and of `single_word` tokens.",
        ranges(lambda c: word_pieces(c) == 1),
    ),
    "NUMERIC": (
        "What the Digits pre-tokenizer takes for a digit (category N).",
        ranges(lambda c: digit_pieces(c) == 3),
    ),
    "LETTER": (r"\\p{L} of the ByteLevel pattern.", matched(r"\p{L}")),
    "NUMBER": (r"\\p{N} of the ByteLevel pattern.", matched(r"\p{N}")),
}

lines = [
    "// Written by tooling/reference/tokenizers_unicode.py; do not edit.",
    "// Ranges of code points: the gap since the last range, then its length less one if not 0, in base 36.",
]
for name, (meaning, pairs) in TABLES.items():
    lines += ["", f"/** {meaning} */".replace("\\\\", "\\"), f"export const {name}: string =", f"  '{packed(pairs)}';"]
TARGET.write_text("\n".join(lines) + "\n")
print({name: len(pairs) for name, (_, pairs) in TABLES.items()})
