"""Writes packages/training/fixtures: twenty AdamW steps as PyTorch and Hugging Face take them.

`masked-lm/`: a tiny BertForMaskedLM (a Hugging Face folder: the weights before the first step), `batches.safetensors`,
and for each run the loss, gradient norm and learning rate of every step and the weights after the last. The gradient
norm is the one before clipping; the learning rate is the one the step used.

`causal-lm/`: the same of a tiny GPT-2, whose labels are the texts themselves. `classifier-bert/`, `classifier-gpt/` and
`regression-bert/`: models that say something about whole texts.

`classification-metrics.json`: scikit-learn's and SciPy's figures for some predictions.

`adamw.safetensors`: the optimizer alone, fed with gradients of every size, with its weights after every step;
`optimizers.safetensors`: SGD and Adagrad, fed with the same.
"""

import copy

import torch
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score
from torch.nn.functional import cross_entropy, mse_loss
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, GPT2Config
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel
from transformers import get_cosine_schedule_with_warmup, get_cosine_with_min_lr_schedule_with_warmup
from transformers import get_inverse_sqrt_schedule, get_linear_schedule_with_warmup, get_polynomial_decay_schedule_with_warmup

from fixture import distance, draw_weights, fixtures, generator, normal, save_json, save_tensors

FOLDER = fixtures("training")
STEPS, WARMUP = 20, 5
SETTINGS = {
    "steps": STEPS,
    "warmupSteps": WARMUP,
    "learningRate": 1e-2,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weightDecay": 0.1,
    "maxGradNorm": 1.0,
}
MASK, FIRST_WORD, WORDS = 4, 5, 20


def optimizer_of(parameters):
    """AdamW with two groups: biases and LayerNorms do not decay."""
    parameters = dict(parameters)
    norms = ("LayerNorm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight")
    exempt = [name for name in parameters if name.endswith(("bias", *norms))]
    groups = [
        {"params": [p for n, p in parameters.items() if n not in exempt], "weight_decay": SETTINGS["weightDecay"]},
        {"params": [parameters[n] for n in exempt], "weight_decay": 0.0},
    ]
    betas = SETTINGS["beta1"], SETTINGS["beta2"]
    return torch.optim.AdamW(groups, lr=SETTINGS["learningRate"], betas=betas, eps=SETTINGS["epsilon"])


def make_batches():
    """Sentences that count upwards from one of the first three words, with about a third of the words masked: enough
    of a rule for the loss to fall. Rows have their own lengths, so batches differ in how much there is to predict."""
    random = generator(2)
    shape = (STEPS, 4, 12)
    start = torch.randint(0, 3, (*shape[:2], 1), generator=random)
    words = FIRST_WORD + (start + torch.arange(shape[2])) % WORDS
    length = torch.randint(4, shape[2] + 1, (*shape[:2], 1), generator=random)
    real = torch.arange(shape[2]) < length
    chosen = real & (torch.rand(shape, generator=random) < 0.35)
    chosen[:, :, 1] = True  # no micro-batch without a label
    return {
        "input_ids": words.masked_fill(chosen, MASK) * real,  # [steps, batch, length]
        "attention_mask": real.long(),
        "token_type_ids": torch.zeros(shape, dtype=torch.long),
        "labels": torch.where(chosen, words, -100),
    }


def causal_batches():
    """The same sentences with nothing masked; the labels are the words."""
    masked = make_batches()
    words = torch.where(masked["labels"] == -100, masked["input_ids"], masked["labels"])
    labels = torch.where(masked["attention_mask"] == 1, words, -100)
    return {"input_ids": words, "attention_mask": masked["attention_mask"], "labels": labels}


def train(initial, batches, schedule, micro_batches=1, causal=False):
    """Each step's loss is the mean over all labels of the batch. With micro-batches it is reached as Hugging Face's
    Trainer defines it (`num_items_in_batch`): every part's summed loss over the number of labels in the whole batch,
    gradients added up before clipping."""
    model = copy.deepcopy(initial).train()
    optimizer = optimizer_of(model.named_parameters())
    scheduler = schedule(optimizer, WARMUP, STEPS)
    record = {"loss": [], "grad_norm": [], "learning_rate": []}
    for step in range(STEPS):
        batch = {name: tensor[step] for name, tensor in batches.items()}
        if causal:  # each place's label is the next word
            batch["labels"] = torch.nn.functional.pad(batch["labels"][:, 1:], (0, 1), value=-100)
        items = (batch["labels"] != -100).sum()
        loss = 0.0
        for rows in torch.arange(len(batch["labels"])).chunk(micro_batches):
            part = {name: tensor[rows] for name, tensor in batch.items()}
            labels = part.pop("labels")
            logits = model(**part).logits
            loss_of = mse_loss if labels.is_floating_point() else cross_entropy
            part_loss = loss_of(logits.reshape(labels.numel(), -1).squeeze(-1), labels.flatten(), reduction="sum") / items
            part_loss.backward()
            loss += part_loss.item()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["maxGradNorm"])
        record["loss"].append(loss)
        record["grad_norm"].append(norm.item())
        record["learning_rate"].append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    final = {f"final/{name}": parameter.detach() for name, parameter in model.named_parameters()}
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in record.items()} | final


def text_batches(is_number=False):
    """The same sentences, and of each its first word, as a class or as a number beside its length."""
    batches = causal_batches()
    first, length = batches["input_ids"][:, :, 0] - FIRST_WORD, batches["attention_mask"].sum(-1)
    batches["labels"] = first + length / 12 if is_number else first  # [steps, batch]
    return batches


def bert(**changes):
    return BertConfig(
        vocab_size=FIRST_WORD + WORDS, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=12, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        attn_implementation="eager", **changes,
    )


def gpt(**changes):
    return GPT2Config(
        vocab_size=FIRST_WORD + WORDS, n_embd=16, n_layer=2, n_head=2, n_inner=24, n_positions=12, resid_pdrop=0.0,
        embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None, attn_implementation="eager", **changes,
    )


def language_models():
    write_runs(FOLDER / "masked-lm", BertForMaskedLM(bert()), make_batches(), unseen=("key.bias",))
    write_runs(FOLDER / "causal-lm", GPT2LMHeadModel(gpt()), causal_batches(), unseen=("c_attn.bias",), causal=True)


def classifiers():
    seen = dict(names=("linear", "linear-accumulated"))
    model = BertForSequenceClassification(bert(num_labels=3))
    write_runs(FOLDER / "classifier-bert", model, text_batches(), unseen=("key.bias",), **seen)
    model = BertForSequenceClassification(bert(num_labels=1))
    write_runs(FOLDER / "regression-bert", model, text_batches(is_number=True), unseen=("key.bias",), **seen)
    model = GPT2ForSequenceClassification(gpt(num_labels=3, pad_token_id=0))
    write_runs(FOLDER / "classifier-gpt", model, text_batches(), unseen=("c_attn.bias",), **seen)


def write_runs(folder, model, batches, unseen, causal=False, names=("linear", "cosine", "linear-accumulated")):
    initial = draw_weights(model, seed=1)
    initial.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    save_json(folder / "settings.json", SETTINGS)
    save_tensors(folder / "batches.safetensors", batches)

    for name, schedule, micro_batches in (
        ("linear", get_linear_schedule_with_warmup, 1),
        ("cosine", get_cosine_schedule_with_warmup, 1),
        ("linear-accumulated", get_linear_schedule_with_warmup, 2),
    ):
        if name not in names:
            continue
        run = train(initial, batches, schedule, micro_batches, causal)
        save_tensors(folder / f"{name}.safetensors", run)
        exact = train(copy.deepcopy(initial).double(), batches, schedule, micro_batches, causal)
        weights = {k: distance(v, exact[k])[0] for k, v in run.items() if k.startswith("final/")}
        seen = {k: v for k, v in weights.items() if not k.endswith(unseen)}
        worst = max(seen, key=seen.get)
        loss = ((run["loss"] - exact["loss"]).abs() / exact["loss"]).max()
        norm = ((run["grad_norm"] - exact["grad_norm"]).abs() / exact["grad_norm"]).max()
        print(
            f"training/{folder.name}/{name}: loss {run['loss'][0]:.3f} to {run['loss'][-1]:.3f}, "
            f"norm {run['grad_norm'].min():.2f} to {run['grad_norm'].max():.2f}; float32 from float64: "
            f"loss {loss:.1e} relative, norm {norm:.1e} relative, weights {seen[worst]:.1e} ({worst}), "
            f"with key biases {max(weights.values()):.1e}"
        )


SHAPES = {"dense.weight": (4, 5), "dense.bias": (4,), "LayerNorm.weight": (5,)}


def sized_gradients():
    """Gradients from 1e-9 to 10, some entries and one whole step zero: where epsilon and the decay decide."""
    gradients = {}
    for i, (name, shape) in enumerate(SHAPES.items()):
        sizes = 10 ** torch.empty(STEPS, *shape).uniform_(-9, 1, generator=generator(20 + i))
        gradients[name] = normal(10 + i, STEPS, *shape) * sizes  # [steps, ...]
        gradients[name][:, 0] = 0
        gradients[name][7] = 0
        gradients[name][12:] *= 0.05  # small enough not to be clipped
    return gradients


def step_alone(create, gradients):
    """Each step's learning rate and gradient norm, the weights after it, and the optimizer's state at the end."""
    parameters = {name: torch.nn.Parameter(normal(i, *shape)) for i, (name, shape) in enumerate(SHAPES.items())}
    optimizer = create(parameters)
    scheduler = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    rates, norms, weights = [], [], {name: [] for name in SHAPES}
    for step in range(STEPS):
        for name, parameter in parameters.items():
            parameter.grad = gradients[name][step].clone()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), SETTINGS["maxGradNorm"]).item())
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
        for name, parameter in parameters.items():
            weights[name].append(parameter.detach().clone())
    state = {
        f"{slot}/{name}": value
        for name, parameter in parameters.items() for slot, value in optimizer.state[parameter].items()
        if torch.is_tensor(value) and value.shape == parameter.shape
    }
    weights = {f"weights/{name}": torch.stack(steps) for name, steps in weights.items()}  # [steps, ...]
    return weights | state, {"learning_rate": torch.tensor(rates), "grad_norm": torch.tensor(norms)}


def optimizers_alone():
    gradients = sized_gradients()
    given = {f"initial/{name}": normal(i, *shape) for i, (name, shape) in enumerate(SHAPES.items())}
    given |= {f"gradients/{name}": values for name, values in gradients.items()}
    result, rates = step_alone(lambda parameters: optimizer_of(parameters.items()), gradients)
    save_tensors(FOLDER / "adamw.safetensors", given | rates | result)

    SGD, Adagrad = torch.optim.SGD, torch.optim.Adagrad
    decay = SETTINGS["weightDecay"]
    others = {
        "sgd": lambda p: SGD(p.values(), lr=0.1),
        "sgd-decay": lambda p: SGD(grouped(p, decay), lr=0.1),
        "sgd-momentum": lambda p: SGD(grouped(p, decay), lr=0.1, momentum=0.9),
        "sgd-nesterov": lambda p: SGD(grouped(p, decay), lr=0.1, momentum=0.9, nesterov=True),
        "adagrad": lambda p: Adagrad(p.values(), lr=0.1),
        "adagrad-decay": lambda p: Adagrad(grouped(p, decay), lr=0.1, initial_accumulator_value=0.1, eps=1e-6),
    }
    # The gradients, and so their norms, are those of adamw.safetensors, the rates ten times those.
    results = {name: step_alone(create, gradients)[0] for name, create in others.items()}
    save_tensors(FOLDER / "optimizers.safetensors", {
        f"{name}/{key}": value for name, result in results.items() for key, value in result.items()
    })


def grouped(parameters, decay):
    """Matrices decay."""
    return [{"params": [p], "weight_decay": decay if p.ndim > 1 else 0.0} for p in parameters.values()]


def schedules():
    """The factor on the learning rate at each step, one past the end included."""
    def factors(schedule, warmup, steps):
        parameter = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([parameter], lr=1.0)
        scheduler = schedule(optimizer, warmup, steps)
        values = []
        for _ in range(steps + 1):
            values.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        return torch.tensor(values)

    def original_inverse_sqrt(warmup):
        """kimiyoung/transformer-xl's `inv_sqrt`: what it multiplies `--lr` by, which the warm-up never reaches."""
        return lambda step: step ** -0.5 if step > warmup else step / warmup**1.5

    def plateau(losses, **options):
        """The rate after each evaluation."""
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        values = []
        for loss in losses:
            scheduler.step(loss)
            values.append(optimizer.param_groups[0]["lr"])
        return torch.tensor(values)

    # Falls, stays within the threshold, rises, falls again.
    losses = [5, 4, 4, 3.9, 3.89999, 3.95, 3.8, 3.7, 3.71, 3.72, 3.7, 3.69999, 3.6, 3.7, 3.7, 3.7, 3.7, 3.7, 3.7, 3.5]
    save_json(FOLDER / "plateau-losses.json", losses)

    save_tensors(FOLDER / "schedules.safetensors", {
        f"original-inverse-sqrt/warmup-{warmup}": factors(
            lambda optimizer, warmup, _: torch.optim.lr_scheduler.LambdaLR(optimizer, original_inverse_sqrt(warmup)),
            warmup, 30)
        for warmup in (1, 5, 12)
    } | {
        f"inverse-sqrt/warmup-{warmup}-timescale-{timescale}": factors(
            lambda optimizer, warmup, _: get_inverse_sqrt_schedule(optimizer, warmup, timescale), warmup, 30)
        for warmup, timescale in ((5, None), (0, None), (5, 40), (0, 3))
    } | {
        f"plateau/patience-{patience}-factor-{factor}-min-{least}": plateau(
            losses, factor=factor, patience=patience, min_lr=least)
        for patience, factor, least in ((0, 0.5, 0), (1, 0.1, 0), (2, 0.5, 0.4), (0, 0.001, 0))
    } | {
        f"{name}/warmup-{warmup}-of-{steps}": factors(schedule, warmup, steps)
        for name, schedule in (
            ("linear", get_linear_schedule_with_warmup),
            ("cosine", get_cosine_schedule_with_warmup),
            # To a tenth of the highest rate; the optimizer's is 1.
            ("linear-to-a-tenth", lambda *given: get_polynomial_decay_schedule_with_warmup(*given, lr_end=0.1)),
            ("cosine-to-a-tenth", lambda *given: get_cosine_with_min_lr_schedule_with_warmup(*given, min_lr=0.1)),
        )
        for warmup, steps in ((5, 20), (0, 7), (1, 30), (10, 10))
        if warmup < steps or not name.endswith("tenth")
    })


def classification_metrics():
    """Of classes that are often or never predicted, and of numbers with many alike."""
    random = generator(30)
    labels = torch.randint(0, 4, (60,), generator=random)
    guesses = torch.randint(0, 3, (60,), generator=random)
    guesses = torch.where(torch.rand(60, generator=random) < 0.5, labels.clamp(max=2), guesses)
    scores = torch.randint(0, 6, (60,), generator=random).double() / 2
    estimates = (scores + 0.7 * torch.randn(60, generator=random)).mul(4).round().div(4)
    save_json(FOLDER / "classification-metrics.json", {
        "classes": {
            "labels": labels.tolist(), "predictions": guesses.tolist(),
            "accuracy": accuracy_score(labels, guesses), "f1": f1_score(labels, guesses, average="macro"),
        },
        "numbers": {
            "labels": scores.tolist(), "predictions": estimates.tolist(),
            "pearson": float(pearsonr(scores, estimates)[0]), "spearman": float(spearmanr(scores, estimates)[0]),
        },
    })


if __name__ == "__main__":
    language_models()
    classifiers()
    optimizers_alone()
    schedules()
    classification_metrics()
