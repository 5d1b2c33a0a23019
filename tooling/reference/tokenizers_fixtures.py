"""Writes packages/tokenizers/fixtures/: what Hugging Face's Rust library makes of hard texts.

Every vocabulary here is trained by this script on the text below. Offsets are converted to UTF-16
positions. Run from the repository root: python tooling/reference/tokenizers_fixtures.py
"""

import array
import json
import pathlib
import random
import tempfile
import zlib

from tokenizers import AddedToken, BertWordPieceTokenizer, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

FIXTURES = pathlib.Path(__file__).parents[2] / "packages/tokenizers/fixtures"

TEXT = [
    "The heron stood in the shallow water, unmoved, and the river went round it.",
    "Nobody in the village could say how old the bridge was; it had simply always been there.",
    "She unpacked the boxes, repacked them, and unpacked them again: nothing was where it should be.",
    "“Don't you think,” he asked, “that 1,234.50 is rather much for a teapot?” It wasn't cheap!",
    "Running, jumping, swimming: the children's summer was one long unplanned holiday.",
    "The cartographer's maps were unreliable, unreadable and unforgettable.",
    "A naïve café owner in Zürich sold crème brûlée to the señor from São Paulo.",
    "Το ποτάμι ήταν ήσυχο. Река была тихой. 川は静かだった。江水很安静，鸟在飞。강은 조용했다。",
    "السماء صافية والنهر هادئ. הנהר שקט והשמיים בהירים. नदी शांत थी।",
    "The river, the water, the bridge; the bridge, the river, the water. Again and again and again!",
    "In 2024 there were 365 days, no: 366. E-mails (all 12 of them) went un-answered…",
    "Waters of the rivers run under bridges; runners run over them. The old ones know, the young ones learn.",
]

HARD = [
    # Empty, blank, and every kind of space and line break.
    "", " ", "   ", "\t", "\n", "\r\n", "\n\n\n", " \t\n\r ", "\u000b\u000c", "\u0085", "\u00a0", "\u1680",
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a", "\u2028\u2029", "\u202f\u205f\u3000",
    "the\u00a0river\u2003water\u3000bridge", "the\u0085river", "the\u180eriver", "\ufeffthe river", "the\u200briver",
    " the river ", "the  river", "\tthe\nriver\r\n",
    # Controls, formats, private use, U+FFFD: inside a word they vanish and its halves join.
    "\u0000", "riv\u0000er", "riv\u0001er", "riv\u007fer", "riv\u009fer", "ri\u00adver", "ri\u200dver", "ri\u200cver",
    "\u202eriver\u202c", "ri\ue000ver", "ri\U000f0000ver", "ri\ufffdver", "\ufffd", "\u0000\u0001\u0002", "ri\u000bver",
    "ri\u000cver", "\u2066river\u2069", "ri\ufff9ver", "\U000e0001river", "a\u001cb\u001db\u001eb\u001fb",
    # Letters that lower to several, or to something unlike.
    "İstanbul", "İ", "I\u0307", "ΑΣ ΟΔΥΣΣΕΥΣ Σ", "ﬁne ﬂow", "Straße STRASSE ẞ", "Ǆ ǅ ǆ", "ŁÓDŹ", "K Å Ω", "ᏸ Ꮳ", "𐐀𐐨", "Ⅷ ⅷ",
    # Accents, composed and not, in any order, on nothing, and more than one.
    "crème brûlée", "cre\u0300me bru\u0302le\u0301e", "\u0301", "\u0301\u0301\u0301", "a\u0301\u0323", "a\u0323\u0301",
    "\u1ea5\u1ed9", "e\u0301\u0302\u0303\u0304", "\u0344", "q\u0307\u0323", "a\u0315\u0300\u05ae\u0062", "Å\u0301", "ș ț",
    "\u0915\u094d\u0937", "ना\u093c", "น้ำ", "\u0e01\u0e33", "\ua66f", "\u1dfa", "\U0001e94a\u05bf", "\U0001d165\u0651",
    "한국어", "\u1112\u1161\u11ab", "각\u11a8", "が", "か\u3099", "\U0001d15e", "\u0958", "ⓐ ① ㎏", "ﷺ",
    # Ideographs of every block, and near misses that do not stand alone.
    "江水", "江a水", "a江", "江\u0308", "㐀㐁", "\U00020000", "\U0002a700", "\U0002b740", "\U0002b820", "\U0002b920", "豈更",
    "\U0002f800", "かな", "カナ", "〇", "々", "⼀", "ㄅㄆ", "江水river很", "，。！", "　江　",
    # Punctuation of every sort.
    "the,river", "(the)", "!?!?", "...", "…", "“the”", "«river»", "¿que?", "a_b", "a-b", "a—b", "$5", "€5", "5%", "a+b=c",
    "<b>", "`x`", "^", "~", "|", "a@b.c", "http://river.example/a?b=c#d", "C++", "don't", "don’t", "‚''`´", "،؟", "।", "〜", "・",
    "§¶", "°", "٪", "\u2010\u2011", "⁇", "\U00010100", "\u2e5d",
    # Numbers.
    "12", "3.14", "1,234.50", "½ ² ³", "١٢٣", "१२", "Ⅳ", "𝟘𝟙", "0x1F", "1e10",
    # Emoji, families, flags, tones, keycaps, variation selectors.
    "🙂", "the 🙂 river", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "❤️", "1️⃣", "☃", "🙂🙂🙂", "river🙂river", "\ufe0f", "🧑🏻‍🚀s",
    # Right to left, and scripts mixed.
    "السماء صافية", "הנהר שקט", "שָׁלוֹם", "مُحَمَّد", "the نهر river", "नदी शांत थी", "தமிழ்", "မြန်မာ", "ខ្មែរ", "ქართული", "Հայերեն",
    "Τὸ ποτάμι ἦταν", "РЕКА была", "ᚠᚢᚦ", "𒀀𒀁", "𝓉𝒽𝑒", "ｔｈｅ　ｒｉｖｅｒ",
    # Words of 99 to 101 code points, and of as many UTF-16 units but fewer code points.
    "e" * 99, "e" * 100, "e" * 101, "\U0001d4ee" * 60, "\U0001d4ee" * 100, "\U0001d4ee" * 101, "é" * 100, "é" * 101,
    "e\u0301" * 100, "\u0301" * 150, "river" * 19, "river" * 20, "river" * 21, "e" * 500 + " river",
    # Special tokens in the text: found as they are spelled, and only so.
    "[MASK]", "the [MASK] river", "the[MASK]river", "[mask]", "[ MASK ]", "[MASK][MASK]", "[CLS] the [SEP]", "[SEP", "[[MASK]]",
    "[UNK]", "[PAD] [PAD]", "[MASK]\u0301", "江[MASK]水", "[MA\u200dSK]", " [MASK] ", "[CLS][SEP][UNK][PAD][MASK]",
    # Characters younger than the library's Unicode data.
    "\u0870", "\u1c89", "\ua7dc", "\U00010d50", "\U000105c9", "\U000105d2\u0307", "\U0001c010", "\U0001e030", "\u31ef", "\U0002ebf0", "\u1acf",
    # From other tokenizers' cases: llama.cpp's list, and issues of huggingface/transformers and tokenizers.
    "ied 4 ½ months", "Führer", " this is 🦙.cpp", "w048 7tuijk dsdfhu", "нещо на Български", "កាន់តែពិសេសអាចខលចេញ",
    "🚀 (normal) 😶‍🌫️ (multiple emojis concatenated) ✅ (only emoji that has its own token)", "\n =", "' era", "Hello, y'all! How are you 😁 ?我想在apple工作1314151天～",
    "!!!!!!", "3 33 333 3333", "This is a sample e\u0301", "ÁÉÍÓÚ", "unwanted\u00e9,running", " \tHeLLo!how  \n Are yoU?  ", "ah\u535A\u63A8zz",
]

rng = random.Random(20241)
ALPHABET = [*"the river water", *"áéÀß", "\u0301", "\u0323", "\u0308", "江", "水", "か", "\u3099", "🙂", "\u200d", " ", "\n", "\u00a0", "-", ".", "[", "]", "٣", "ش", "ק", "त", "\u094d", "İ", "Σ", "ﬁ", "½", "\u0001", "𝓉"]
HARD += ["".join(rng.choice(ALPHABET) for _ in range(rng.randrange(2, 24))) for _ in range(120)]


def utf16(text):
    """From code-point positions of `text` to UTF-16 positions."""
    places = [0]
    for char in text:
        places.append(places[-1] + (2 if ord(char) > 0xFFFF else 1))
    return places


def row(encoding, text, pair=None):
    """One encoding as a fixture has it: offsets flat, in UTF-16 units."""
    places = [utf16(text), utf16(pair or "")]
    offsets = []
    for (start, end), sequence in zip(encoding.offsets, encoding.sequence_ids):
        of = places[sequence or 0]
        offsets += [of[start], of[end]]
    return {
        "ids": encoding.ids,
        "offsets": offsets,
        "words": [-1 if word is None else word for word in encoding.word_ids],
    }


def full(encoding, text, pair):
    result = row(encoding, text, pair)
    result["types"] = encoding.type_ids
    result["sequences"] = [-1 if sequence is None else sequence for sequence in encoding.sequence_ids]
    result["attention"] = encoding.attention_mask
    result["special"] = encoding.special_tokens_mask
    # The library repeats parts inside the parts of a pair; one level has them all.
    result["overflowing"] = [full(part, text, pair) | {"overflowing": []} for part in encoding.overflowing]
    return result


def write(name, value):
    FIXTURES.mkdir(parents=True, exist_ok=True)
    path = FIXTURES / name
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(name, path.stat().st_size)


def word_piece():
    trained = BertWordPieceTokenizer(lowercase=False)
    # What the cased settings see, and lower letters beside it for the uncased ones.
    trained.train_from_iterator(TEXT + [line.lower() for line in TEXT] * 2, vocab_size=900, min_frequency=1, show_progress=False)
    extra = [c for c in "éèïöüσςßاقשת½🙂江水ㄅ" if trained.token_to_id(c) is None]
    vocab = [token for token, _ in sorted(trained.get_vocab().items(), key=lambda item: item[1])] + extra
    ids = {token: i for i, token in enumerate(vocab)}

    settings = {
        "uncased": dict(lowercase=True, strip_accents=None, clean_text=True, handle_chinese_chars=True),
        "cased": dict(lowercase=False, strip_accents=None, clean_text=True, handle_chinese_chars=True),
        "accented": dict(lowercase=True, strip_accents=False, clean_text=True, handle_chinese_chars=False),
        "unaccented": dict(lowercase=False, strip_accents=True, clean_text=False, handle_chinese_chars=True),
    }
    runs = {}
    for name, options in settings.items():
        tokenizer = BertWordPieceTokenizer(vocab=ids, **options)
        runs[name] = {
            "options": options,
            "tokenizer": json.loads(tokenizer.to_str()) | {"model": None},
            "rows": [row(tokenizer.encode(text), text) for text in HARD],
        }

    # The default settings from here on.
    tokenizer = Tokenizer.from_str(BertWordPieceTokenizer(vocab=ids).to_str())
    texts = [
        ("The heron stood in the shallow water", None),
        ("The heron stood in the shallow water", "and the river went round it"),
        ("the river", "She unpacked the boxes, repacked them, and unpacked them again"),
        ("She unpacked the boxes, repacked them, and unpacked them again", "the river"),
        ("", "the river"),
        ("江水 [MASK] 🙂", "crème"),
        ("", None),
    ]
    cases = []

    def case(text, pair, options, truncate=None, pad=None, special=True):
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if truncate:
            tokenizer.enable_truncation(**truncate)
        if pad:
            tokenizer.enable_padding(pad_id=ids["[PAD]"], pad_token="[PAD]", **pad)
        try:
            encoding = tokenizer.encode(text, pair, add_special_tokens=special)
        except BaseException as error:  # a Rust panic is not an Exception
            cases.append({"text": text, "pair": pair, "options": options, "error": str(error).splitlines()[0]})
            return
        cases.append({"text": text, "pair": pair, "options": options, "result": full(encoding, text, pair)})

    for text, pair in texts:
        case(text, pair, {})
        case(text, pair, {"addSpecialTokens": False}, special=False)
        for length in (3, 7, 11):
            for strategy in ("longest_first", "only_first", "only_second"):
                for side in ("right", "left"):
                    for stride in (0, 2):
                        options = dict(truncation=strategy, maxLength=length, truncationSide=side, stride=stride, returnOverflowing=True)
                        effective = length - (3 if pair is not None else 2)
                        if stride > 0 and (effective <= stride or length - 2 < stride):
                            continue
                        case(text, pair, options, dict(max_length=length, strategy=strategy, direction=side, stride=stride))
        for side in ("right", "left"):
            case(text, pair, dict(padding="max_length", maxLength=16, truncation=False, paddingSide=side), None, dict(length=16, direction=side))
            case(text, pair, dict(padding="longest", padToMultipleOf=8, paddingSide=side), None, dict(pad_to_multiple_of=8, direction=side))
        case(
            text, pair,
            dict(truncation="longest_first", maxLength=8, padding="max_length", padToMultipleOf=3, returnOverflowing=True),
            dict(max_length=8), dict(length=8, pad_to_multiple_of=3),
        )

    tokenizer.no_truncation()
    tokenizer.enable_padding(pad_id=ids["[PAD]"], pad_token="[PAD]")
    batch = ["the river", "The heron stood in the shallow water", "", "江水"]
    batched = [full(encoding, text, None) for encoding, text in zip(tokenizer.encode_batch(batch), batch)]
    tokenizer.no_padding()
    words = ["The", "heron's", "", "江水", "un packed"]
    presplit = tokenizer.encode(words, is_pretokenized=True)
    decoded = []
    for text in TEXT + HARD[:60:3] + ["it isn't , he 's said . do not !", "he said ' yes ' ."]:
        encoded = tokenizer.encode(text).ids
        decoded.append({"ids": encoded, "all": tokenizer.decode(encoded, skip_special_tokens=False), "plain": tokenizer.decode(encoded)})

    tokenizer.add_tokens([
        AddedToken("heron", single_word=True), AddedToken("RIVER", normalized=True), AddedToken("Bridge", normalized=False),
        AddedToken("<l>", lstrip=True, normalized=False), AddedToken("<r>", rstrip=True, normalized=False),
        AddedToken("<lr>", lstrip=True, rstrip=True, normalized=False), AddedToken("ab", normalized=False), AddedToken("abc", normalized=False),
    ])
    added_texts = [
        "the heron and herons, heron-heron heron_x éheron heronâ heron", "the river, RIVER River riverrun", "Bridge bridge aBridge",
        "a <l> b <l>  <l>", "a <r> b <r>  <r> c", "a <lr> b\u3000<lr>\n<lr> c", "ab abc abcd aabc abab", "<l><r> <r> <l>", " <l> <r> ", "[MASK] <l> [MASK]<r> ",
        "River\u0301s", "RÍVER", "\u0085<l>\ufeff<l>",
    ]
    added = {
        "tokens": json.loads(tokenizer.to_str())["added_tokens"],
        "cases": [{"text": text, "tokens": tokenizer.encode(text).tokens, **row(tokenizer.encode(text), text)} for text in added_texts],
    }

    bert = Tokenizer.from_str(BertWordPieceTokenizer(vocab=ids).to_str())
    bert.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    bert_processing = {
        "post_processor": json.loads(bert.to_str())["post_processor"],
        "cases": [{"text": t, "pair": p, "result": full(bert.encode(t, p), t, p)} for t, p in texts],
    }
    write("word-piece.json", {
        "vocab": vocab, "texts": HARD, "settings": runs, "cases": cases, "batch": {"texts": batch, "rows": batched},
        "presplit": {"words": words, "result": {"ids": presplit.ids, "offsets": [v for o in presplit.offsets for v in o], "words": [-1 if w is None else w for w in presplit.word_ids]}},
        "decoded": decoded, "added": added, "bertProcessing": bert_processing,
    })


def word_piece_training():
    """Vocabularies of sizes at which the library, whose ties are settled by chance, always finds the same."""
    # Lines repeated unequally often, so that few pairs are equally frequent.
    repeats = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37]
    corpus = [line.upper() if i % 5 == 4 else line for line, times in zip(TEXT, repeats) for i in range(times)]
    runs = []
    for options in (
        dict(vocab_size=100, min_frequency=2), dict(vocab_size=240, min_frequency=2), dict(vocab_size=10_000, min_frequency=60),
        dict(vocab_size=10_000, min_frequency=40), dict(vocab_size=250, min_frequency=2), dict(vocab_size=255, min_frequency=30),
        dict(vocab_size=10_000, min_frequency=60, initial_alphabet=["Q", "ж", "zz"]), dict(vocab_size=10_000, min_frequency=50, limit_alphabet=18),
        dict(vocab_size=10_000, min_frequency=40, limit_alphabet=14),  dict(vocab_size=10_000, min_frequency=37),
    ):
        found = set()
        for _ in range(16):
            tokenizer = BertWordPieceTokenizer()
            tokenizer.train_from_iterator(corpus, show_progress=False, **options)
            found.add(tuple(sorted(tokenizer.get_vocab())))
        print(options, "vocabularies:", len(found), "tokens:", len(next(iter(found))))
        if len(found) == 1:
            runs.append({"options": options, "vocab": list(next(iter(found)))})
    corpus = {"lines": TEXT, "repeats": repeats}
    write("word-piece-training.json", {**corpus, "runs": runs})



def checksum(numbers):
    """CRC-32 of numbers as little-endian int32."""
    return zlib.crc32(array.array("i", numbers).tobytes())


def grouped(items):
    """Eight at a time: the tests compare one checksum for each."""
    return [items[i : i + 8] for i in range(0, len(items), 8)]


def small_bpe(**options):
    """A byte-pair vocabulary of TEXT: `</w>`, `##` or neither, with an unknown token."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", **options))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    suffix = options.get("end_of_word_suffix")
    prefix = options.get("continuing_subword_prefix")
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<unk>", "[MASK]"], show_progress=False,
        **({"end_of_word_suffix": suffix} if suffix else {}), **({"continuing_subword_prefix": prefix} if prefix else {}),
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return json.loads(tokenizer.to_str())["model"]


def byte_level_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return json.loads(tokenizer.to_str())["model"]


def pipeline():
    """Every component and model option over all the hard texts."""
    chars = sorted({c for text in HARD for c in text})[:600]
    spelled = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
               "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": {c: i for i, c in enumerate(["<unk>", *chars])}, "merges": []}
    words = {"type": "WordLevel", "unk_token": "<unk>", "vocab": {w: i for i, w in enumerate(["<unk>", "the", "river", "The", "water", "a", "e", "river’s", "江", "3", "▁the", "▁river", "-", ".", "🙂"])}}
    fallback = json.loads(json.dumps(small_bpe()))
    fallback["vocab"] |= {f"<0x{b:02X}>": len(fallback["vocab"]) + b for b in range(256)}
    byte_level = byte_level_bpe()
    plain = small_bpe()
    seq = lambda kind, items: {"type": "Sequence", kind: items}
    bl = lambda prefix, trim=True, rx=True: {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": rx}
    ws, bert = {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"}
    rx = lambda pattern: {"Regex": pattern}
    cl100k = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    configs = {}

    def add(name, model=spelled, normalizer=None, pre=None, post=None, decoder=None, added=()):
        configs[name] = {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added), "normalizer": normalizer,
            "pre_tokenizer": pre, "post_processor": post, "decoder": decoder, "model": model,
        }

    for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"):
        add(f"normalizer {form}", normalizer={"type": form})
    add("normalizer Strip", normalizer={"type": "Strip", "strip_left": True, "strip_right": True})
    add("normalizer Strip left", normalizer={"type": "Strip", "strip_left": True, "strip_right": False})
    add("normalizer Strip right", normalizer={"type": "Strip", "strip_left": False, "strip_right": True})
    add("normalizer Replace string", normalizer={"type": "Replace", "pattern": {"String": "er"}, "content": "<ER>"})
    add("normalizer Replace regex", normalizer={"type": "Replace", "pattern": rx(r"[aeiou]+\s?"), "content": "_"})
    add("normalizer Replace by nothing", normalizer={"type": "Replace", "pattern": rx(r"\s+"), "content": ""})
    add("normalizer Prepend", normalizer={"type": "Prepend", "prepend": "▁x"})
    add("normalizer Sequence NFKD StripAccents Lowercase NFC", normalizer=seq("normalizers", [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "NFC"}]))
    add("normalizer Sequence Prepend Replace (Llama)", normalizer=seq("normalizers", [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]))
    add("normalizer BertNormalizer", normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True})
    for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit"):
        add(f"pre-tokenizer {name}", words, pre={"type": name})
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        add(f"pre-tokenizer Punctuation {behavior}", words, pre={"type": "Punctuation", "behavior": behavior})
        for invert in (False, True):
            add(f"pre-tokenizer Split {behavior}{' inverted' if invert else ''}", words, pre={"type": "Split", "pattern": rx(r"[er]+|\s"), "behavior": behavior, "invert": invert})
    add("pre-tokenizer Split string", words, pre={"type": "Split", "pattern": {"String": "."}, "behavior": "Isolated", "invert": False})
    add("pre-tokenizer Split by GPT-4's pattern", words, pre={"type": "Split", "pattern": rx(cl100k), "behavior": "Isolated", "invert": False})
    add("pre-tokenizer Digits", words, pre={"type": "Digits", "individual_digits": False})
    add("pre-tokenizer Digits individual", words, pre={"type": "Digits", "individual_digits": True})
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            add(f"pre-tokenizer Metaspace {scheme} {split}", words, pre={"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split},
                decoder={"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split})
    add("pre-tokenizer Sequence", words, pre=seq("pretokenizers", [ws, {"type": "Punctuation", "behavior": "Isolated"}, {"type": "Digits", "individual_digits": True}]))
    mask = {"id": 15, "content": "[mask]", "single_word": False, "lstrip": True, "rstrip": False, "normalized": True, "special": True}
    add("pre-tokenizer Metaspace first, added tokens", words, normalizer={"type": "Lowercase"}, pre={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}, added=[mask])

    roberta = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": True}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}}
    special = [{"id": i, "content": c, "single_word": False, "lstrip": c == "<mask>", "rstrip": False, "normalized": c != "<s>", "special": True} for i, c in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])]
    add("ByteLevel", byte_level, pre=bl(False), post=bl(True, False), decoder=bl(True), added=special)
    add("ByteLevel with a prefix space", byte_level, pre=bl(True), post=bl(True, True), decoder=bl(True), added=special)
    add("ByteLevel without the pattern", byte_level, pre=bl(False, True, False), post=bl(False, True), decoder=bl(True))
    add("ByteLevel after Split (Llama 3)", byte_level | {"ignore_merges": True}, pre=seq("pretokenizers", [{"type": "Split", "pattern": rx(cl100k), "behavior": "Isolated", "invert": False}, bl(False, True, False)]),
        post=seq("processors", [bl(True, False), template]), decoder=bl(True), added=special)
    add("ByteLevel after NFC", byte_level, normalizer={"type": "NFC"}, pre=bl(False), post=bl(False, True), decoder=bl(True), added=special)
    add("RobertaProcessing", byte_level, pre=bl(True), post=roberta, decoder=bl(True), added=special)
    add("RobertaProcessing without prefix", byte_level, pre=bl(False), post=roberta | {"add_prefix_space": False}, decoder=bl(True), added=special)
    add("RobertaProcessing without trimming", byte_level, pre=bl(False), post=roberta | {"trim_offsets": False}, decoder=bl(True), added=special)
    add("BPE over bare text", plain)
    add("BPE </w> (GPT-1)", small_bpe(end_of_word_suffix="</w>"), normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}, pre=bert, decoder={"type": "BPEDecoder", "suffix": "</w>"})
    add("BPE ##", small_bpe(continuing_subword_prefix="##"), pre=bert, decoder={"type": "WordPiece", "prefix": "##", "cleanup": False})
    add("BPE fuse_unk", plain | {"fuse_unk": True}, pre=bert)
    add("BPE without unk", plain | {"unk_token": None}, pre=bert)
    add("BPE ignore_merges", plain | {"ignore_merges": True}, pre=ws)
    add("BPE byte_fallback", fallback | {"byte_fallback": True}, pre=ws, decoder=seq("decoders", [{"type": "Replace", "pattern": {"String": "e"}, "content": "E"}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": "t", "start": 1, "stop": 0}]))
    add("BPE byte_fallback ##", json.loads(json.dumps(small_bpe(continuing_subword_prefix="##"))) | {"byte_fallback": True}, pre=ws)
    runs = []
    for name, config in configs.items():
        tokenizer = Tokenizer.from_str(json.dumps(config))
        encodings = [tokenizer.encode(text) for text in HARD]
        numbers = [[value for encoding, text in group for column in row(encoding, text).values() for value in (*column, -1)] for group in grouped(list(zip(encodings, HARD)))]
        sums = [checksum(group) for group in numbers]
        decoded = [zlib.crc32("\0".join(tokenizer.decode(encoding.ids, skip_special_tokens=False) if encoding.ids else "" for encoding in group).encode()) for group in grouped(encodings)]
        runs.append({"name": name, "tokenizer": config, "sums": sums, "decoded": decoded})
    vocabularies = {}
    for run in runs:  # The same model is written once.
        model = run["tokenizer"]["model"]
        key = str(zlib.crc32(json.dumps(model, sort_keys=True).encode()))
        vocabularies[key] = model
        run["tokenizer"]["model"] = key
    write("pipeline.json", {"models": vocabularies, "runs": runs})


def merge_training():
    """Merges for BPE, and words for word-level; only what the library finds every time."""
    repeats = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37]
    corpus = [line.upper() if i % 5 == 4 else line for line, times in zip(TEXT, repeats) for i in range(times)]
    runs = []
    for options in (
        dict(kind="byte-level", vocab_size=500), dict(kind="byte-level", vocab_size=700, min_frequency=5), dict(kind="byte-level", vocab_size=2000, min_frequency=2),
        dict(kind="byte-level", vocab_size=400, max_token_length=5), dict(kind="byte-level", vocab_size=450, file=True), dict(kind="classic", vocab_size=260), dict(kind="classic", vocab_size=5000, min_frequency=20),
        dict(kind="classic", vocab_size=5000, min_frequency=45, suffix="</w>"), dict(kind="words", vocab_size=60), dict(kind="words", vocab_size=1000, min_frequency=12),
    ):
        found = set()
        for _ in range(12):
            kind = options["kind"]
            common = dict(vocab_size=options["vocab_size"], min_frequency=options.get("min_frequency", 0), show_progress=False)
            if kind == "words":
                tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
                tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
                trainer = trainers.WordLevelTrainer(special_tokens=["<unk>"], **common)
            elif kind == "byte-level":
                tokenizer = Tokenizer(models.BPE())
                tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
                more = {"max_token_length": options["max_token_length"]} if "max_token_length" in options else {}
                trainer = trainers.BpeTrainer(special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **common, **more)
            else:
                tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
                tokenizer.normalizer = normalizers.BertNormalizer()
                tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
                more = {"end_of_word_suffix": options["suffix"]} if "suffix" in options else {}
                trainer = trainers.BpeTrainer(special_tokens=["<unk>"], **common, **more)
            if options.get("file"):
                with tempfile.NamedTemporaryFile("w", suffix=".txt", newline="") as file:
                    file.write("\r\n".join(corpus[:100]) + "\n" + "\n".join(corpus[100:]))
                    file.flush()
                    tokenizer.train([file.name], trainer)
            else:
                tokenizer.train_from_iterator(corpus, trainer)
            model = json.loads(tokenizer.to_str())["model"]
            vocab = sorted(model["vocab"]) if "suffix" in options else sorted(model["vocab"], key=model["vocab"].get)
            found.add(json.dumps([vocab, model.get("merges")]))
        print(options, "results:", len(found), "tokens:", len(json.loads(next(iter(found)))[0]))
        if len(found) == 1:
            vocab, merges = json.loads(next(iter(found)))
            runs.append({"options": options, "vocab": vocab, "merges": merges})
    by_lines = [run for run in runs if "file" not in run["options"]]
    by_file = [run for run in runs if "file" in run["options"]]
    write("training.json", {"lines": TEXT, "repeats": repeats, "runs": by_lines, "fileRuns": by_file})


if __name__ == "__main__":
    word_piece()
    word_piece_training()
    pipeline()
    merge_training()
