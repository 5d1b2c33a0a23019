"""Writes packages/generation/fixtures: what Hugging Face's `generate` makes of small random GPT-2 models, and what its
logits processors make of scores.

No weights are stored: both sides draw them by the same integer arithmetic, exact in float32. A model is taken only if
float64 generates the same ids in every case, so that no case hangs on a rounding (4.49 cannot be asked: its searches
mix the two).

With transformers 5.17 it writes texts.json and processors.json; with 4.49, the last version that has them,
groups-and-contrastive.json: diverse beam groups and contrastive search.
"""

import json

import numpy as np
import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel

from fixture import fixtures

FOLDER = fixtures("generation")
VOCAB, MODELS = 120, 24
OLD = transformers.__version__.startswith("4.")
PAD = 0


def mixed(h):
    """32 bits scrambled, as packages/nn/src/random.ts does it."""
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x21F0AAAD)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x735A2D97)
    return h ^ (h >> np.uint32(15))


def uniform(seed, name, size):
    """Multiples of 2^-24 from -1/2 to 1/2."""
    for character in name:
        seed = (seed * 31 + ord(character)) % 2**32
    with np.errstate(over="ignore"):
        bits = mixed(np.arange(size, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed))
    return (bits >> np.uint32(8)) / 2**24 - 0.5


@torch.no_grad()
def model_of(seed, dtype=torch.float32):
    sizes = dict(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=None, eos_token_id=None, attn_implementation="eager"))
    for name, parameter in model.named_parameters():
        values = uniform(seed, name, parameter.numel())
        if ".ln_" in name and name.endswith("weight"):
            values = 1 + values / 4
        elif name.endswith("bias"):
            values = values / 16
        parameter.copy_(torch.from_numpy(values).to(torch.float32).reshape(parameter.shape))
    return model.eval().to(dtype)


def snake(name):
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def run(model, prompts, options):
    """The generated ids of each text, cut after its end, and beam scores."""
    width = max(len(p) for p in prompts)
    ids = torch.tensor([[PAD] * (width - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    named = {snake(name): value for name, value in options.items()}
    if "sequence_bias" in named:
        named["sequence_bias"] = {tuple(sequence): bias for sequence, bias in named["sequence_bias"]}
    if "exponential_decay_length_penalty" in named:
        named["exponential_decay_length_penalty"] = tuple(named["exponential_decay_length_penalty"])
    wanted = dict(return_dict_in_generate=True, output_scores=True, pad_token_id=PAD)
    output = model.generate(ids, attention_mask=mask, do_sample=False, **wanted, **named)
    stops = named.get("eos_token_id", [])
    stops = [stops] if isinstance(stops, int) else stops
    texts = []
    for row in output.sequences[:, width:].tolist():
        end = next((i for i, token in enumerate(row) if token in stops), len(row) - 1)
        texts.append(row[: end + 1])
    scores = getattr(output, "sequences_scores", None)
    return texts, None if scores is None else [round(x, 6) for x in scores.tolist()]


def prompts_of(seed):
    random = torch.Generator().manual_seed(seed)
    return [torch.randint(1, VOCAB, (n,), generator=random).tolist() for n in (7, 4, 5)]


def several(rows, count):
    """Different tokens that stand as late as may be in these rows."""
    tokens = [token for column in reversed(list(zip(*rows))) for token in column]
    return list(dict.fromkeys(tokens))[:count]


def cases(model, prompts):
    """Cases by name: prompts and options. Stops and bad words are tokens the model does come to."""
    (plain,), _ = run(model, prompts[:1], dict(maxNewTokens=16))
    rows, _ = run(model, prompts, dict(maxNewTokens=12))
    stop, *stops = several(rows, 3)
    bad = [[plain[2]], plain[4:6], [rows[1][0]]]
    new = dict(maxNewTokens=12)
    return {
        "greedy": (prompts[:1], dict(maxNewTokens=16)),
        "left-padded": (prompts, new),
        "stops": (prompts, dict(**new, eosTokenId=[stop, *stops])),
        "repetition penalty": (prompts, dict(**new, repetitionPenalty=1.4)),
        "no repeated n-grams": (prompts, dict(**new, noRepeatNgramSize=2)),
        "bad words": (prompts, dict(**new, badWordsIds=bad)),
        "minNewTokens": (prompts, dict(**new, eosTokenId=rows[0][3], minNewTokens=8)),
        "lengths": (prompts, dict(maxLength=18, minLength=14, eosTokenId=[rows[1][2], rows[2][4]])),
        "forced": ([[rows[0][0]], [rows[1][0]]], dict(**new, forcedBosTokenId=7, forcedEosTokenId=9)),
        "everything": (
            prompts,
            dict(**new, repetitionPenalty=1.2, noRepeatNgramSize=3, badWordsIds=bad, suppressTokens=[plain[0]],
                 beginSuppressTokens=[rows[0][1]], sequenceBias=[[[plain[1]], -2.5], [plain[2:4], 4.0]],
                 eosTokenId=stop, exponentialDecayLengthPenalty=[3, 1.2], renormalizeLogits=True),
        ),
        "beams": (prompts, dict(**new, numBeams=4, eosTokenId=stop)),
        "beams, no end": (prompts, dict(**new, numBeams=4)),
        "beams, early, long": (
            prompts,
            dict(**new, numBeams=4, eosTokenId=[stop, *stops], lengthPenalty=2.0, earlyStopping=True,
                 numReturnSequences=3),
        ),
        "beams, never, short": (
            prompts,
            dict(**new, numBeams=3, eosTokenId=stops, lengthPenalty=-0.5, earlyStopping="never", numReturnSequences=2),
        ),
        "beams, everything": (
            prompts,
            dict(**new, numBeams=4, eosTokenId=stop, repetitionPenalty=1.3, noRepeatNgramSize=2, badWordsIds=bad,
                 minNewTokens=5, numReturnSequences=4),
        ),
    }


def old_cases(model, prompts):
    rows, _ = run(model, prompts, dict(maxNewTokens=12))
    stop, *stops = several(rows, 3)
    new = dict(maxNewTokens=12)
    groups = dict(**new, numBeams=4, numBeamGroups=2, diversityPenalty=0.8)
    return {
        "two groups": (prompts, dict(**groups, numReturnSequences=4)),
        # One stop: the old search ends every text with the first of several.
        "two groups, stops": (prompts, dict(**groups, eosTokenId=stops[1], numReturnSequences=2)),
        "three groups": (
            prompts,
            dict(**new, numBeams=6, numBeamGroups=3, diversityPenalty=2.5, lengthPenalty=1.5, repetitionPenalty=1.2,
                 eosTokenId=stop, numReturnSequences=6),
        ),
        "contrastive": (prompts, dict(**new, penaltyAlpha=0.6, topK=4)),
        "contrastive, stops": (
            prompts, dict(**new, penaltyAlpha=0.3, topK=8, eosTokenId=[stop, *stops], repetitionPenalty=1.1)
        ),
    }


def texts(name, cases_of):
    taken, seed, kinds = [], 0, 0
    while len(taken) < MODELS:
        seed += 1
        model = model_of(seed)
        exact = model if OLD else model_of(seed, torch.float64)
        prompts = prompts_of(seed)
        results = {}
        for case, (rows, options) in cases_of(model, prompts).items():
            generated, scores = run(model, rows, options)
            if run(exact, rows, options)[0] != generated:
                break
            results[case] = dict(prompts=rows, options=options, generated=generated)
            if scores:
                results[case]["scores"] = scores
        else:
            taken.append(dict(seed=seed, cases=results))
            kinds += len({tuple(text) for case in results.values() for text in case["generated"]})
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(dict(vocabSize=VOCAB, models=taken), separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {MODELS} of {seed} models, {kinds} different texts")


def processors():
    """Rows of scores, and the probabilities after the processors of `generate`, as it puts them together."""
    from transformers import GenerationConfig

    model = model_of(1)
    filters = dict(temperature=0.7, topK=12, topP=0.85, minP=0.06, typicalP=0.8, topH=0.6, epsilonCutoff=0.004,
                   etaCutoff=0.02)
    combinations = [{name: value} for name, value in filters.items()]
    combinations += [{**a, **b} for i, a in enumerate(combinations) for b in combinations[:i]]
    combinations += [
        filters,
        dict(temperature=1.6, topK=30, topP=0.95),
        dict(topP=0.0), dict(topP=0.3), dict(topK=1), dict(typicalP=0.2), dict(minP=1.0), dict(topK=500),
        dict(topK=2, numBeams=3, eosTokenId=[3, 4, 5]), dict(topP=0.01, numBeams=2), dict(minP=0.9, numBeams=2),
        dict(typicalP=0.05, numBeams=2), dict(etaCutoff=0.9, numBeams=2), dict(epsilonCutoff=0.9, numBeams=2),
        dict(repetitionPenalty=1.5, noRepeatNgramSize=2, badWordsIds=[[5], [7, 10]], eosTokenId=8,
             suppressTokens=[11], beginSuppressTokens=[12, 13], sequenceBias=[[[14], 2.0], [[7, 15], -1.0]],
             exponentialDecayLengthPenalty=[0, 1.5], temperature=0.8, topK=20, topP=0.9),
        dict(eosTokenId=[8, 9], minNewTokens=3, repetitionPenalty=0.8, renormalizeLogits=True),
    ]
    ids = torch.tensor([[3, 7, 9, 3, 7, 21, 7], [1, 2, 3, 4, 5, 6, 7]])
    written = []
    for seed, options in enumerate(combinations):
        scores = torch.randn((2, 60), generator=torch.Generator().manual_seed(seed)) * (1 + seed % 3)
        scores = torch.round(scores, decimals=4)
        named = {snake(name): value for name, value in {"topK": 0, **options}.items()}
        if "sequence_bias" in named:
            named["sequence_bias"] = {tuple(sequence): bias for sequence, bias in named["sequence_bias"]}
        if "exponential_decay_length_penalty" in named:
            named["exponential_decay_length_penalty"] = tuple(named["exponential_decay_length_penalty"])
        config = GenerationConfig(do_sample=True, **{"max_new_tokens": 20, **named})
        config.num_beams = config.num_beams or 1
        model._prepare_special_tokens(config, False, device="cpu")
        length = ids.shape[1] - 1
        config.min_length = length + config.min_new_tokens if config.min_new_tokens else 0
        after = model._get_logits_processor(config, input_ids_seq_length=length, device="cpu")(ids, scores)
        written.append(dict(
            options=options, promptLength=length, ids=ids.tolist(),
            scores=[[round(x, 4) for x in row] for row in scores.tolist()],
            probabilities=[[round(x, 8) for x in row] for row in after.double().softmax(-1).tolist()],
        ))
    path = FOLDER / "processors.json"
    path.write_text(json.dumps(written, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {len(written)} combinations")


if __name__ == "__main__":
    if OLD:
        texts("groups-and-contrastive", old_cases)
    else:
        texts("texts", cases)
        processors()
