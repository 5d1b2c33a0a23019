"""Writes packages/nn/fixtures and packages/attention/fixtures: single operations and their gradients.

One file an operation; tensors are named `<case>/<tensor>`, gradients `<case>/grad/<input>` for
sum(output * cotangent). Inputs are float32 numbers; the rest is computed in float64 and rounded once, so that the
expected values are right to the last bit and a test's tolerance measures only what it tests.
"""

import math

import torch
from torch.nn import functional as F

from fixture import distance, fixtures, generator, normal, save_tensors

LOWEST = torch.finfo(torch.float32).min


class Cases:
    """Collects the cases of one file."""

    def __init__(self, package, name):
        self.path = fixtures(package) / f"{name}.safetensors"
        self.tensors = {}
        self.float32_error = 0.0

    def add(self, case, operation, inputs, seed, **constants):
        """Runs `operation(**inputs, **constants)`, a tensor or a dict whose first entry takes the cotangent."""
        outputs, grads, cotangent = differentiate(operation, inputs, constants, seed, torch.float64)
        single, single_grads, _ = differentiate(operation, inputs, constants, seed, torch.float32)
        for exact, actual in ((outputs, single), (grads, single_grads)):
            for name in exact:
                if exact[name].isfinite().all():
                    self.float32_error = max(self.float32_error, min(distance(actual[name], exact[name])))
        self.tensors |= {f"{case}/{name}": tensor for name, tensor in (inputs | constants).items()}
        self.tensors |= {f"{case}/cotangent": cotangent}
        self.tensors |= {f"{case}/{name}": tensor for name, tensor in outputs.items()}
        self.tensors |= {f"{case}/grad/{name}": tensor for name, tensor in grads.items()}

    def save(self):
        save_tensors(self.path, self.tensors)
        size = self.path.stat().st_size / 1000
        package = self.path.parent.parent.name
        print(f"{package}/{self.path.name}: {size:.0f} kB, float32 from float64 {self.float32_error:.1e}")


def differentiate(operation, inputs, constants, seed, dtype):
    leaves = {name: tensor.to(dtype).requires_grad_() for name, tensor in inputs.items()}
    constants = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in constants.items()}
    outputs = operation(**leaves, **constants)
    if not isinstance(outputs, dict):
        outputs = {"output": outputs}
    main = next(iter(outputs.values()))
    cotangent = normal(seed, *main.shape)
    grads = torch.autograd.grad((main * cotangent.to(dtype)).sum(), list(leaves.values()))
    return {name: tensor.detach() for name, tensor in outputs.items()}, dict(zip(leaves, grads)), cotangent


def activations():
    """Both signs of everything from 1e-8 to 50, zero, and the busy middle."""
    sizes = torch.logspace(-8, 1.69897, 60)
    x = torch.cat([-sizes.flip(0), torch.zeros(1), sizes, torch.linspace(-6, 6, 121), normal(1, 38)])
    cases = Cases("nn", "activations")
    for case, operation in {
        "gelu": F.gelu,
        "gelu_new": lambda input: F.gelu(input, approximate="tanh"),
        "relu": F.relu,
        "tanh": torch.tanh,
        "silu": F.silu,
    }.items():
        cases.add(case, operation, {"input": x}, seed=2)
    cases.save()


def layer_norm():
    cases = Cases("nn", "layer-norm")

    def add(case, input, epsilon, seed):
        width = input.shape[-1]
        inputs = {"input": input, "weight": normal(seed, width, mean=1), "bias": normal(seed + 1, width)}
        cases.add(
            case,
            lambda input, weight, bias, epsilon: F.layer_norm(input, (width,), weight, bias, epsilon.item()),
            inputs, seed + 2, epsilon=torch.tensor(epsilon),
        )

    add("rank-3", normal(10, 2, 3, 7), 1e-12, 11)
    add("rank-2-wide", normal(20, 3, 130, std=3.0, mean=0.5), 1e-5, 21)
    add("far-from-zero", normal(30, 4, 64, mean=100.0), 1e-12, 31)
    add("tiny", normal(40, 4, 16, std=1e-4), 1e-5, 41)
    add("constant-row", torch.tensor([[3.0] * 8, [0.0] * 8]), 1e-5, 51)
    cases.save()


def linear():
    """Inner sizes on both sides of 48 and 64, where some matmuls change their road."""
    cases = Cases("nn", "linear")
    for case, shape, out in (("rank-1", (5,), 3), ("rank-2", (6, 48), 7), ("rank-3", (2, 3, 64), 9),
                             ("wide", (4, 97), 17), ("one-output", (3, 65), 1)):
        weight = normal(len(case), out, shape[-1])
        cases.add(case, F.linear, {"input": normal(1, *shape), "weight": weight, "bias": normal(3, out, std=5.0)}, 4)
    cases.add("no-bias", F.linear, {"input": normal(5, 2, 3, 50), "weight": normal(6, 4, 50)}, 7)
    cases.save()


def embedding():
    cases = Cases("nn", "embedding")

    def look_up(weight, ids):
        return F.embedding(ids, weight)

    def look_up_padded(weight, ids, padding_idx):
        return F.embedding(ids, weight, padding_idx=padding_idx.item())

    ids = torch.tensor([[2, 0, 2, 8], [2, 8, 1, 0]])
    cases.add("repeated", look_up, {"weight": normal(1, 9, 5)}, 2, ids=ids)
    cases.add("one-id-everywhere", look_up, {"weight": normal(3, 3, 4)}, 4, ids=torch.full((40,), 1))
    cases.add("padding", look_up_padded, {"weight": normal(5, 9, 5)}, 6, ids=ids, padding_idx=torch.tensor(0))
    cases.save()


def cross_entropy():
    """The mean over the labels that are not -100, the sum, and each row's own loss."""
    cases = Cases("nn", "cross-entropy")
    random = generator(1)
    labels = torch.randint(0, 11, (8,), generator=random)
    ignoring = labels.where(torch.tensor([1, 0, 1, 1, 0, 0, 1, 0]) == 1, torch.tensor(-100))
    logits = normal(2, 8, 11, std=2.0)

    def loss(reduction):
        return lambda logits, labels: F.cross_entropy(logits, labels, ignore_index=-100, reduction=reduction)

    for reduction in ("mean", "sum", "none"):
        cases.add(f"{reduction}", loss(reduction), {"logits": logits}, 3, labels=labels)
        cases.add(f"{reduction}-ignoring", loss(reduction), {"logits": logits}, 4, labels=ignoring)
    # The mean over nothing is NaN, with gradients of zero.
    cases.add("mean-all-ignored", loss("mean"), {"logits": logits}, 5, labels=torch.full((8,), -100))
    cases.add("sum-all-ignored", loss("sum"), {"logits": logits}, 6, labels=torch.full((8,), -100))
    # Where exp of a logit overflows, and where the right class has no chance at all.
    cases.add("none-extreme", loss("none"), {"logits": logits * 1e3}, 7, labels=labels)
    cases.add("mean-far-from-zero", loss("mean"), {"logits": logits + 500}, 8, labels=ignoring)

    def with_label_0_ignored(logits, labels):
        return F.cross_entropy(logits, labels, ignore_index=0)

    cases.add("mean-ignoring-0", with_label_0_ignored, {"logits": logits}, 9, labels=ignoring.clamp(min=0))
    cases.save()


def sampled_softmax():
    """Among each row's target and the words that were drawn, a word once, whichever it is: every other is hidden.
    Of each logit the logarithm is taken of how likely its word is among twice `num_samples` draws, the vocabulary
    being sorted by frequency (what TensorFlow's log_uniform_candidate_sampler calls the expected count)."""
    cases = Cases("nn", "sampled-softmax")

    def loss(hidden, weight, bias, targets, samples, num_samples):
        ranks = torch.arange(len(weight), dtype=torch.float64)
        chance = ((ranks + 2) / (ranks + 1)).log() / math.log(len(weight) + 1)
        drawn = 1 - (1 - chance) ** (2 * num_samples.item())
        logits = F.linear(hidden, weight, bias) - drawn.log().to(hidden.dtype)
        places = targets.clamp(min=0)
        shown = torch.zeros(logits.shape, dtype=torch.bool)
        shown[:, samples] = True
        shown[torch.arange(len(targets)), places] = True
        hidden_logits = logits.masked_fill(~shown, float("-inf"))
        return F.cross_entropy(hidden_logits, places, reduction="none") * (targets != -100)

    inputs = {"hidden": normal(1, 7, 5), "weight": normal(2, 20, 5), "bias": normal(3, 20)}
    for case, targets, samples in (
        ("others", [3, 8, 8, 0, 19, 11, 3], [1, 2, 4, 15]),
        ("hits", [3, 8, 8, 0, 19, 11, 3], [0, 1, 3, 8, 19]),
        ("ignoring", [3, -100, 8, 0, -100, 11, 3], [0, 2, 3, 11]),
        ("one", [0, 0, 1, 2, 19, 0, 5], [0]),
    ):
        cases.add(case, loss, inputs, 4, targets=torch.tensor(targets), samples=torch.tensor(samples),
                  num_samples=torch.tensor(len(samples)))
    cases.save()


def attend(query, key, value, num_heads, attention_mask=None, causal=None, head_mask=None):
    """softmax(Q K^T / sqrt(head size)) V as Hugging Face's eager attention computes it: a hidden score has the lowest
    float32 added, once, whatever hides it. Heads lie side by side in the last dimension of queries, keys and values."""
    def split(x):
        return x.unflatten(-1, (num_heads.item(), -1)).transpose(1, 2)  # [batch, heads, length, size]

    query, key, value = split(query), split(key), split(value)
    scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
    visible = torch.ones(scores.shape[-2:], dtype=torch.bool)
    if causal is not None:
        queries, keys = visible.shape
        visible = visible.tril(keys - queries)  # the queries are the last of the keys
    if attention_mask is not None:
        visible = visible & (attention_mask[:, None, None, :] == 1)
    weights = (scores + torch.where(visible, 0.0, LOWEST)).softmax(-1)
    if head_mask is not None:
        weights = weights * head_mask[None, :, None, None]
    return {"context": (weights @ value).transpose(1, 2).flatten(2), "weights": weights}


def attention():
    cases = Cases("attention", "scaled-dot-product-attention")

    def add(case, seed, batch=2, heads=2, queries=5, keys=5, size=4, value_size=4, scale=1.0, **options):
        inputs = {
            "query": normal(seed, batch, queries, heads * size, std=scale),
            "key": normal(seed + 1, batch, keys, heads * size, std=scale),
            "value": normal(seed + 2, batch, keys, heads * value_size),
        }
        cases.add(case, attend, inputs, seed + 3, num_heads=torch.tensor(heads), **options)

    def mask(*rows):
        return torch.tensor(rows)

    causal = {"causal": torch.tensor(1)}
    add("plain", 10)
    add("one-head-odd-size", 20, heads=1, size=7, value_size=3)
    add("padding", 30, attention_mask=mask([1, 1, 1, 0, 0], [1, 1, 1, 1, 1]))
    add("causal", 40, **causal)
    add("causal-padding", 50, attention_mask=mask([1, 1, 1, 0, 0], [1, 1, 1, 1, 0]), **causal)
    # Padding on the left: the first queries see no key at all, and weigh all keys alike, later ones included.
    add("causal-left-padding", 60, attention_mask=mask([0, 0, 1, 1, 1], [0, 1, 1, 1, 1]), **causal)
    add("empty-row", 70, attention_mask=mask([0, 0, 0, 0, 0], [1, 0, 1, 0, 1]))
    add("fewer-queries", 80, queries=3, keys=7, attention_mask=mask([1] * 7, [1, 1, 1, 1, 0, 0, 0]))
    add("more-queries", 90, queries=6, keys=2)
    add("fewer-queries-causal", 100, queries=2, keys=6, **causal)
    add("head-mask", 110, heads=3, head_mask=torch.tensor([1.0, 0.0, 0.5]))
    add("head-mask-padding", 120, head_mask=torch.tensor([0.0, 1.0]), attention_mask=mask([1, 1, 0, 0, 0], [1] * 5))
    add("saturated", 130, scale=8.0)
    add("single", 140, queries=1, keys=1)
    cases.save()


if __name__ == "__main__":
    activations()
    layer_norm()
    linear()
    embedding()
    cross_entropy()
    sampled_softmax()
    attention()
