"""Writes packages/cli/fixtures/tokenize.json: one small tokenizer of each family, as its files, and what
Hugging Face's Rust library makes of texts with the options that `multihead tokenize` has.

Offsets are UTF-16 positions. Run from the repository root: python tooling/reference/cli_tokenize.py
"""

import json
import pathlib

from tokenizers import BertWordPieceTokenizer, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizers_fixtures import TEXT, full

OUT = pathlib.Path(__file__).parents[2] / "packages/cli/fixtures/tokenize.json"
TRAINED = pathlib.Path(__file__).parents[2] / "packages/tokenizers/fixtures"
TEXTS = ["The heron stood in the shallow water.", "", "unpacked, repacked: 江水 🙂 crème", "the river"]
PAIR = "and the river went round it"
WORDS = ["the river went round the heron"] * 3 + ["the bridge"] * 2 + ["an old village by the water", "stood still"]


def byte_level(special, post):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=256 + len(special) + 80, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.post_processor = post(tokenizer.token_to_id)
    return tokenizer


def trained(name, options):
    """A vocabulary of those that tokenizers_fixtures.py found to be no matter of chance."""
    runs = json.loads((TRAINED / name).read_text())["runs"]
    return next(run for run in runs if run["options"] == options)


def word_piece():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab = trained("word-piece-training.json", {"vocab_size": 10_000, "min_frequency": 37})["vocab"]
    ordered = special + sorted(set(vocab) - set(special))
    tokenizer = Tokenizer.from_str(BertWordPieceTokenizer(vocab={token: i for i, token in enumerate(ordered)}).to_str())
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, ordered.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def classic():
    run = trained("training.json", {"kind": "classic", "vocab_size": 5000, "min_frequency": 45, "suffix": "</w>"})
    vocab = {token: i for i, token in enumerate(run["vocab"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(pair) for pair in run["merges"]], unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    tokenizer.add_special_tokens(["<unk>"])
    return tokenizer


def words():
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(WORDS, trainers.WordLevelTrainer(vocab_size=10, min_frequency=2, special_tokens=["<unk>", "<eos>"], show_progress=False))
    return tokenizer


def model_files(tokenizer):
    """The files that such a vocabulary had before tokenizer.json."""
    model = json.loads(tokenizer.to_str())["model"]
    ordered = sorted(model["vocab"], key=model["vocab"].get)
    if "merges" not in model:
        return {"vocab.txt": "".join(f"{token}\n" for token in ordered)}
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    return {"vocab.json": json.dumps(model["vocab"]), "merges.txt": "\n".join(["#version: 0.2", *merges, ""])}


def main():
    bert = word_piece()
    ids = bert.token_to_id
    gpt2 = byte_level(["<|endoftext|>"], lambda _: processors.ByteLevel(trim_offsets=False))
    roberta = byte_level(
        ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        lambda ids: processors.RobertaProcessing(("</s>", ids("</s>")), ("<s>", ids("<s>")), add_prefix_space=False),
    )
    families = {
        "bert": (bert, {"tokenizer.json": bert.to_str()}),
        "bert-vocab": (bert, model_files(bert)),
        "gpt2": (gpt2, model_files(gpt2)),
        "roberta": (roberta, {"tokenizer.json": roberta.to_str()}),
        "openai-gpt": (classic(), None),
        "words": (words(), None),
    }
    cases = []

    def case(name, options, pair=None, presplit=False, truncate=None, pad=None, special=True):
        """`options` are the flags, the rest says the same to the library."""
        tokenizer = Tokenizer.from_str(families[name][0].to_str())
        if truncate:
            tokenizer.enable_truncation(**truncate)
        if pad is not None:
            tokenizer.enable_padding(**pad)
        texts = ["the river", "an old heron"] if name == "words" else TEXTS
        split = (lambda text: text.split()) if presplit else (lambda text: text)
        inputs = [split(text) if pair is None else (split(text), split(pair)) for text in texts]
        encodings = tokenizer.encode_batch(inputs, is_pretokenized=presplit, add_special_tokens=special)
        rows = []
        for encoding, text in zip(encodings, texts):
            # Offsets of words already cut are in the words: here they tell nothing more than the words do.
            columns = full(encoding, text, pair) if not presplit else {"ids": encoding.ids, "words": [-1 if word is None else word for word in encoding.word_ids]}
            rows.append({"tokens": encoding.tokens, **columns, "overflowing": [part.ids for part in encoding.overflowing] if options.get("overflow") else []})
        decoded = [tokenizer.decode(encoding.ids) if encoding.ids else "" for encoding in encodings]
        cases.append({"family": name, "options": options, "pair": pair, "texts": texts, "rows": rows, "decoded": decoded})

    for name in families:
        case(name, {})
    case("bert", {"specialTokens": False}, special=False)
    case("bert", {}, pair=PAIR)
    case("roberta", {}, pair=PAIR)
    case("bert", {"words": True}, presplit=True)
    case("gpt2", {"maxLength": 5}, truncate=dict(max_length=5))
    case("bert", {"maxLength": 9, "overflow": True, "stride": 2}, truncate=dict(max_length=9, stride=2))
    case("bert", {"maxLength": 30, "overflow": True, "truncation": "only_first"}, pair=PAIR, truncate=dict(max_length=30, strategy="only_first"))
    case("roberta", {"maxLength": 7, "truncationSide": "left"}, truncate=dict(max_length=7, direction="left"))
    bert_pad = dict(pad_id=ids("[PAD]"), pad_token="[PAD]")
    case("bert", {"padding": "longest"}, pad=bert_pad)
    case("bert", {"padding": "max_length", "maxLength": 40, "truncation": "none", "paddingSide": "left"}, pad=dict(length=40, direction="left", **bert_pad))
    case("roberta", {"padding": "longest", "padToMultipleOf": 8}, pad=dict(pad_id=1, pad_token="<pad>", pad_to_multiple_of=8))
    files = {name: given or model_files(tokenizer) for name, (tokenizer, given) in families.items()}
    word_list = files["words"]["vocab.txt"].split()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"files": files, "cases": cases, "words": {"lines": WORDS, "vocab": word_list}}, separators=(",", ":")) + "\n")
    print(OUT.name, OUT.stat().st_size)


if __name__ == "__main__":
    main()
