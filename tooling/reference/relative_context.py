"""Writes packages/training/fixtures/relative-context.json: relative effective context lengths (Dai et al. 2019,
appendix C) of random losses, computed with NumPy from the definition.

Three models whose losses fall with the context, each up to a length of its own, and noise enough that every model is
the group's best somewhere. For each ratio and threshold: RECL and gains of every model.
"""

import numpy as np

from fixture import fixtures, save_json

CONTEXTS = [10, 20, 30, 40, 50, 60]
TOKENS = 80
REACH = {"far": 60, "middle": 32, "near": 10}


def losses():
    random = np.random.default_rng(4)
    hardness = random.gamma(2.0, 1.0, TOKENS)
    result = {}
    for name, reach in REACH.items():
        rows = [hardness * (0.6 + 0.8 * np.exp(-min(c, reach) / 25)) + random.gamma(1.0, 0.01, TOKENS) for c in CONTEXTS]
        result[name] = np.round(rows, 4)  # [contexts, tokens]
    return result


def recl(group, ratio, threshold):
    result = {}
    for name, own in group.items():
        gains, length = [], None
        for at, (short, long) in enumerate(zip(CONTEXTS[:-1], CONTEXTS[1:])):
            baseline = np.min([model[at] for model in group.values()], axis=0)
            kept = np.argsort(-baseline, kind="stable")[: round(ratio * TOKENS)]
            before = np.exp(np.minimum(baseline, own[at])[kept].mean())
            after = np.exp(np.minimum(baseline, own[at + 1])[kept].mean())
            gains.append({"from": short, "to": long, "gain": (before - after) / before, "perplexityGain": before - after})
            if length is None and gains[-1]["gain"] < threshold:
                length = short
        result[name] = {"length": length or CONTEXTS[-1], "isLongest": length is None, "gains": gains}
    return result


if __name__ == "__main__":
    group = losses()
    cases = [
        {"ratio": ratio, "threshold": threshold, "expected": recl(group, ratio, threshold)}
        for ratio in (0.1, 0.5, 1.0)
        for threshold in (0.01, 0.1)
    ]
    lists = {name: [dict(contextLength=c, losses=row.tolist()) for c, row in zip(CONTEXTS, rows)] for name, rows in group.items()}
    path = fixtures("training") / "relative-context.json"
    save_json(path, {"group": lists, "cases": cases})
    path.write_text(path.read_text().replace(",\n          ", ", "))  # numbers side by side
    for case in cases:
        print(case["ratio"], case["threshold"], {name: one["length"] for name, one in case["expected"].items()})
    print(f"training/relative-context.json: {path.stat().st_size / 1000:.0f} kB")
