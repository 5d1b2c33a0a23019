"""Writes packages/transformer-xl/fixtures with transformers 4.35, the last version that has Transformer-XL.

A case is a Hugging Face folder with random weights; beside the inputs and outputs of one segment, `segments.safetensors`
has those of three segments, memory carried along. Memories are stored batch first, [batch, remembered, d_model].

transformers knows only `attn_type` 0. For the others, and for memory that begins empty, the reference is the model
below: the papers' formulas written out distance by distance, with the parameters' names and the treatment of memory of
the original code (kimiyoung/transformer-xl). `transformer_xl.py compare FOLDER`, where FOLDER is a copy of the
original's `pytorch`, holds it against that, and writes a case of what the original itself saves. `transformer_xl.py
check FOLDER` holds models that our library has read from cases and saved under their names in FOLDER against the cases'
outputs.

    python3 -m venv old && old/bin/pip install torch==2.13.0 transformers==4.35.2 'numpy<2' safetensors
    old/bin/python transformer_xl.py
"""

import copy
import sys
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TransfoXLConfig, TransfoXLForSequenceClassification, TransfoXLLMHeadModel, TransfoXLModel
from transformers.models.transfo_xl.modeling_transfo_xl import AdaptiveEmbedding
from transformers.models.transfo_xl.modeling_transfo_xl_utilities import ProjectedAdaptiveLogSoftmax

from fixture import draw_weights, fixtures, generator, gradients, normal, report, save_case, save_json, save_tensors

warnings.filterwarnings("ignore")

FOLDER = fixtures("transformer-xl")
VOCAB, BATCH, LENGTH = 24, 2, 6
SIZES = dict(
    vocab_size=VOCAB, d_model=12, d_embed=12, n_head=2, d_head=5, d_inner=14, n_layer=2, mem_len=6, clamp_len=-1,
    cutoffs=[8, 15], div_val=1, same_length=False, untie_r=True, eos_token_id=None, tgt_len=6, ext_len=0,
)  # fmt: skip


def config(**changes):
    return TransfoXLConfig(**{**SIZES, **changes})


def ids_of(seed, length, batch=BATCH):
    """Random ids, every cluster's among them."""
    ids = torch.randint(0, VOCAB, (batch, length), generator=generator(seed))
    ids[0, :3] = torch.tensor([1, 9, 20])
    return ids


def labels_of(ids, seed):
    """The ids, and -100, which the loss ignores, at some places."""
    return torch.where(torch.rand(ids.shape, generator=generator(seed)) < 0.8, ids, -100)


def named(outputs):
    """A model's outputs by name, memories batch first."""
    named = {k: outputs[k] for k in ("last_hidden_state", "losses", "loss") if outputs.get(k) is not None}
    if "prediction_scores" in outputs and not isinstance(outputs["prediction_scores"], tuple):
        named["logits"] = outputs["prediction_scores"]
    if outputs.get("logits") is not None:
        named["logits"] = outputs["logits"]
    for k in ("hidden_states", "attentions"):
        named |= {f"{k}.{i}": t for i, t in enumerate(outputs[k])}
    return named | {f"mems.{i}": t.transpose(0, 1) for i, t in enumerate(outputs.get("mems") or ())}


def run(model, inputs):
    """Everything the model says about the inputs, and the gradient of every parameter. transformers gives either the
    losses or the log-probabilities; here are both."""
    dtype = next(model.parameters()).dtype
    inputs = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
    given = {k: v for k, v in inputs.items() if not k.startswith("cotangent.")}
    wanted = dict(output_hidden_states=True, output_attentions=True)
    outputs = named(model(**given, **wanted))
    if "losses" in outputs:
        outputs["logits"] = named(model(**{k: v for k, v in given.items() if k != "labels"}, **wanted))["logits"]
    cotangents = {k.removeprefix("cotangent."): v for k, v in inputs.items() if k.startswith("cotangent.")}
    scalar = sum((outputs[k] * v).sum() for k, v in cotangents.items()) if cotangents else outputs["loss"]
    return {k: v.detach().clone() for k, v in (outputs | gradients(model, scalar)).items()}


def segments(model, ids, labels):
    """Three segments, each with the memories of the one before; of the last the gradients too."""
    mems, expected = None, {"input_ids": ids, "labels": labels}
    length = ids.shape[1] // 3
    for i in range(3):
        part = slice(i * length, (i + 1) * length)
        given = {"input_ids": ids[:, part], "labels": labels[:, part], "mems": mems}
        wanted = dict(output_hidden_states=True, output_attentions=True)
        outputs = model(**given, **wanted)
        with torch.no_grad():
            logits = model(input_ids=ids[:, part], mems=mems).logits
        expected |= {f"{i}/{k}": v.detach().clone() for k, v in (named(outputs) | {"logits": logits}).items()}
        mems = outputs.mems
    return expected | {f"2/{k}": v for k, v in gradients(model, outputs.loss).items()}


def language_model(name, seed, length=LENGTH, greedy=False, **changes):
    model = draw_weights(TransfoXLLMHeadModel(config(**changes)), seed)
    model.crit.keep_order = True  # without it losses stand cluster after cluster, at other places than their tokens
    ids = ids_of(seed + 1, 3 * length)
    labels = labels_of(ids, seed + 2)
    inputs = {"input_ids": ids[:, :length], "labels": labels[:, :length]}
    expected = run(model, inputs)
    save_case(FOLDER / name, model, inputs, expected)
    (FOLDER / name / "generation_config.json").unlink(missing_ok=True)
    save_tensors(FOLDER / name / "segments.safetensors", segments(model, ids, labels))
    if greedy:
        save_json(FOLDER / name / "greedy.json", generated(model, seed + 3))
    described(name)


def generated(model, seed):
    """Greedy continuations of prompts of one length. transformers reads the prompt once, and then token by token."""
    prompts = ids_of(seed, 7, batch=3)
    wanted = dict(return_dict_in_generate=True, output_scores=True, pad_token_id=0)
    output = model.generate(prompts, max_new_tokens=30, do_sample=False, **wanted)
    first, second = torch.stack(output.scores).topk(2).values.unbind(-1)
    assert (first - second).min() > 1e-4, "a choice hangs on rounding: take another seed"
    return {"prompts": prompts.tolist(), "generated": output.sequences[:, prompts.shape[1] :].tolist()}


def described(name):
    """transformers' masks do not go into float64, so that there is no exact result to compare with."""
    print(f"transformer-xl/{name}: {sum(file.stat().st_size for file in (FOLDER / name).iterdir()) / 1000:.0f} kB")


def with_transformers():
    language_model("div-1", 10, greedy=True)
    language_model("div-1-projected", 20, d_embed=10, untie_r=False)
    language_model("div-2", 30, div_val=2, greedy=True, same_length=True)
    language_model("div-4", 40, div_val=4, d_embed=16, untie_r=False, proj_share_all_but_first=False)
    language_model("pre-lnorm", 50, pre_lnorm=True, cutoffs=[])
    language_model("pre-lnorm-tied-r", 60, pre_lnorm=True, untie_r=False, div_val=2, clamp_len=4, same_length=True)
    language_model("same-length-tied-r", 70, same_length=True, mem_len=4, untie_r=False)
    language_model("clamp", 80, clamp_len=3, untie_r=False)
    language_model("no-memory", 90, mem_len=0, greedy=True)
    language_model("long-memory", 100, length=3, mem_len=10, greedy=True)
    language_model("no-cutoffs-untied", 110, cutoffs=[], tie_word_embeddings=False, d_embed=10, layer_norm_epsilon=1e-3)
    language_model("untied-clusters", 120, tie_word_embeddings=False, div_val=2)

    hidden = {"cotangent.last_hidden_state": normal(130, BATCH, LENGTH, 12)}
    for name, inputs in (
        ("model", {"input_ids": ids_of(131, LENGTH)}),
        ("inputs-embeds", {"inputs_embeds": normal(132, BATCH, LENGTH, 12)}),
        ("head-mask", {"input_ids": ids_of(133, LENGTH), "head_mask": torch.tensor([[1.0, 0.5], [0, 1]])}),
    ):
        model = draw_weights(TransfoXLModel(config(div_val=2)), 134)
        given = inputs | hidden
        expected = run(model, given)
        save_case(FOLDER / name, model, given, expected)
        described(name)

    texts = torch.tensor([[3, 5, 9, 20, 7, 4], [1, 2, 17, 0, 0, 0], [12, 0, 0, 0, 0, 0]])  # 0 is padding
    for name, labels, changes in (
        ("classifier", torch.tensor([2, 0, 1]), dict(num_labels=3)),
        ("classifier-regression", normal(141, 3), dict(num_labels=1)),
        ("classifier-several", torch.tensor([[1.0, 0], [0, 1], [1, 1]]), dict(num_labels=2)),
    ):
        model = draw_weights(TransfoXLForSequenceClassification(config(n_layer=1, pad_token_id=0, **changes)), 142)
        inputs = {"input_ids": texts, "labels": labels}
        expected = run(model, inputs)
        model.config.problem_type = None  # forward has put down its guess
        save_case(FOLDER / name, model, inputs, expected)
        described(name)


class Original(nn.Module):
    """The original's language model with its four kinds of attention, batch first and without dropout.

    Memory begins empty and grows to `mem_len`. Absolute positions are added to the memory anew in each segment, and
    stay in what is then remembered.
    """

    def __init__(self, config):
        super().__init__()
        self.config = c = config
        width, layers = c.n_head * c.d_head, range(c.n_layer)
        self.kind, self.positions = c.attn_type, c.tgt_len + c.ext_len + c.mem_len
        self.word_emb = AdaptiveEmbedding(c.vocab_size, c.d_embed, c.d_model, c.cutoffs, c.div_val)
        self.crit = ProjectedAdaptiveLogSoftmax(c.vocab_size, c.d_embed, c.d_model, c.cutoffs, c.div_val, True)
        for out, table in zip(self.crit.out_layers, self.word_emb.emb_layers):
            out.weight = table.weight
        names = {0: ("qkv_net", "r_net"), 1: ("qkv_net",)}.get(self.kind, ("q_net", "kv_net"))
        wide = {"qkv_net": 3 * width, "kv_net": 2 * width, "q_net": width, "r_net": width}
        self.layers = nn.ModuleList(nn.ModuleDict({
            "dec_attn": nn.ModuleDict(
                {name: nn.Linear(c.d_model, wide[name], bias=False) for name in names}
                | {"o_net": nn.Linear(width, c.d_model, bias=False), "layer_norm": nn.LayerNorm(c.d_model)}
            ),
            "pos_ff": nn.ModuleDict({
                "CoreNet": nn.ModuleDict({"0": nn.Linear(c.d_model, c.d_inner), "3": nn.Linear(c.d_inner, c.d_model)}),
                "layer_norm": nn.LayerNorm(c.d_model),
            }),
        }) for _ in layers)  # fmt: skip
        new = lambda *shape: nn.Parameter(torch.empty(shape))
        if self.kind == 0:
            self.r_w_bias, self.r_r_bias = new(c.n_head, c.d_head), new(c.n_head, c.d_head)
        if self.kind in (1, 3):
            self.r_emb = new(c.n_layer, self.positions, c.n_head, c.d_head)
        if self.kind == 1:
            self.r_w_bias, self.r_bias = new(c.n_layer, c.n_head, c.d_head), new(c.n_layer, self.positions, c.n_head)

    def sinusoid(self, distance):
        frequency = 1 / 10000 ** (torch.arange(0, self.config.d_model, 2.0) / self.config.d_model)
        if self.config.clamp_len > 0:
            distance = distance.clamp(max=self.config.clamp_len)
        angle = distance[..., None].float() * frequency
        return torch.cat([angle.sin(), angle.cos()], -1).to(self.r_dtype)

    @property
    def r_dtype(self):
        return next(self.parameters()).dtype

    def learnt(self, table, distance):
        """Rows stand from the farthest to the nearest; clamping keeps the nearest, and beyond is as the farthest."""
        most = self.positions
        if self.kind == 1 and self.config.clamp_len > 0:
            most = min(most, self.config.clamp_len)
        return table[self.positions - 1 - distance.clamp(max=most - 1)]

    def heads(self, x):
        return x.unflatten(-1, (self.config.n_head, self.config.d_head))

    def scores(self, i, attn, x, seen, distance):
        """[batch, head, query, key], unscaled; and the values."""
        if self.kind >= 2:
            q, (k, v) = self.heads(attn["q_net"](x)), map(self.heads, attn["kv_net"](seen).chunk(2, -1))
            return torch.einsum("bqhd,bkhd->bhqk", q, k), v
        q, k, v = map(self.heads, attn["qkv_net"](seen).chunk(3, -1))
        q = q[:, -x.shape[1] :]
        if self.kind == 0:
            r = self.heads(attn["r_net"](self.sinusoid(distance)))  # [query, key, head, size]
            content = torch.einsum("bqhd,bkhd->bhqk", q + self.r_w_bias, k)
            return content + torch.einsum("bqhd,qkhd->bhqk", q + self.r_r_bias, r), v
        r, b = self.learnt(self.r_emb[i], distance), self.learnt(self.r_bias[i], distance)
        content = torch.einsum("bqhd,bkhd->bhqk", q + self.r_w_bias[i], k)
        return content + torch.einsum("bqhd,qkhd->bhqk", q, r) + b.permute(2, 0, 1), v

    def attend(self, i, attn, x, memory):
        c, length = self.config, x.shape[1]
        seen = torch.cat([memory, x], 1)
        keys = seen.shape[1]
        distance = torch.arange(keys - length, keys)[:, None] - torch.arange(keys)
        hidden = distance < 0
        if c.same_length:
            hidden |= distance >= c.mem_len
        # The original does not norm its queries in the absolute kinds.
        scores, v = self.scores(i, attn, x, attn["layer_norm"](seen) if c.pre_lnorm else seen, distance.clamp(min=0))
        weights = (scores / c.d_head**0.5).masked_fill(hidden, float("-inf")).softmax(-1)
        out = x + attn["o_net"](torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2))
        return out if c.pre_lnorm else attn["layer_norm"](out), weights

    def feed(self, ff, x):
        y = ff["layer_norm"](x) if self.config.pre_lnorm else x
        y = x + ff["CoreNet"]["3"](ff["CoreNet"]["0"](y).relu())
        return y if self.config.pre_lnorm else ff["layer_norm"](y)

    def forward(self, ids, targets, mems=None):
        """targets [batch, up to the ids' length] follow the last ids."""
        c, (batch, length) = self.config, ids.shape
        x = self.word_emb(ids)
        mems = mems or [x.new_zeros(batch, 0, c.d_model) for _ in self.layers]
        remembered = mems[0].shape[1]
        steps = torch.arange(remembered + length - 1, -1, -1)  # to the segment's end
        inputs, attentions, new = [], [], []
        for i, layer in enumerate(self.layers):
            memory = mems[i]
            if (self.kind == 2 and i == 0) or self.kind == 3:
                at = self.sinusoid(steps) if self.kind == 2 else self.learnt(self.r_emb[i], steps).flatten(1)
                memory, x = memory + at[:remembered], x + at[remembered:]
            inputs.append(x)
            end = remembered + max(0, length - c.ext_len)
            new.append(torch.cat([memory, x], 1)[:, max(0, end - c.mem_len) : end].detach())
            x, weights = self.attend(i, layer["dec_attn"], x, memory)
            x = self.feed(layer["pos_ff"], x)
            attentions.append(weights)
        losses = self.nll(x[:, -targets.shape[1] :], targets)
        outputs = {"losses": losses, "loss": losses.mean(), "logits": self.crit(x).view(batch, length, -1)}
        outputs |= {f"hidden_states.{i}": h for i, h in enumerate([*inputs, x])}
        outputs |= {f"attentions.{i}": a for i, a in enumerate(attentions)}
        return outputs | {f"mems.{i}": m for i, m in enumerate(new)}, new

    def nll(self, x, targets):
        """transformers' softmax shifts labels; here nothing is to be shifted."""
        log = self.crit(x.contiguous()).view(*targets.shape, -1)
        return -log.gather(-1, targets[..., None])[..., 0]


def original_segments(model, ids):
    """Three segments that overlap by `ext_len`, each token foretold once; of the last the gradients too."""
    mems, expected = None, {"input_ids": ids}
    length = (ids.shape[1] - 1) // 3
    for i in range(3):
        start, end = i * length, (i + 1) * length
        given = ids[:, max(0, start - model.config.ext_len) : end]
        outputs, mems = model(given, ids[:, start + 1 : end + 1], mems)
        expected |= {f"{i}/{k}": v.detach().clone() for k, v in outputs.items()}
    prefix = lambda name: name if name.startswith("grad/crit") else name.replace("grad/", "grad/transformer.")
    return expected | {f"2/{prefix(k)}": v for k, v in gradients(model, outputs["loss"]).items()}


def original(name, seed, **changes):
    c = config(**{"untie_r": False, "d_head": 6, "proj_share_all_but_first": False, **changes})
    model = draw_weights(Original(c), seed)
    expected = original_segments(model, ids_of(seed + 1, 3 * LENGTH + 1))
    folder = FOLDER / name
    folder.mkdir(exist_ok=True)
    state = {k if k.startswith("crit.") else f"transformer.{k}": v for k, v in model.named_parameters()}
    save_file({k: v.detach().contiguous() for k, v in state.items()}, folder / "model.safetensors")
    c.architectures = ["TransfoXLLMHeadModel"]
    save_json(folder / "config.json", c.to_diff_dict())
    save_tensors(folder / "segments.safetensors", expected)
    exact = original_segments(copy.deepcopy(model).double(), ids_of(seed + 1, 3 * LENGTH + 1))
    report(folder, {k: v for k, v in expected.items() if v.numel() > 0}, exact)


ORIGINALS = {
    "empty-memory": dict(attn_type=0),
    "shaw": dict(attn_type=1),
    "shaw-clamp-same-length-pre-lnorm": dict(attn_type=1, clamp_len=4, same_length=True, pre_lnorm=True),
    "absolute": dict(attn_type=2, mem_len=9),
    "absolute-clamp-pre-lnorm": dict(attn_type=2, clamp_len=5, pre_lnorm=True),
    "absolute-no-memory": dict(attn_type=2, mem_len=0),
    "al-rfou": dict(attn_type=3, mem_len=9, tgt_len=2),
    "al-rfou-pre-lnorm-same-length": dict(attn_type=3, pre_lnorm=True, same_length=True, mem_len=5),
    "ext-len": dict(attn_type=0, ext_len=2, mem_len=5),
}


def compare(folder):
    """Holds `Original` against the original code, which wants CUDA at import and no tensor of CPU bytes as a mask."""
    torch.version.cuda = torch.version.cuda or "12.0"
    sys.path[:0] = [folder, f"{folder}/utils"]
    from mem_transformer import MemTransformerLM

    torch.Tensor.byte = torch.Tensor.bool
    torch.use_deterministic_algorithms(False)

    def theirs_of(c, tie_projs=(False,) * 3, dropout=0.0, dropatt=0.0):
        return MemTransformerLM(
            VOCAB, c.n_layer, c.n_head, c.d_model, c.d_head, c.d_inner, dropout, dropatt, d_embed=c.d_embed,
            div_val=c.div_val, tie_projs=tie_projs, pre_lnorm=c.pre_lnorm, tgt_len=c.tgt_len, ext_len=c.ext_len,
            mem_len=c.mem_len, cutoffs=list(c.cutoffs), same_length=c.same_length, attn_type=c.attn_type,
            clamp_len=c.clamp_len,
        ).eval()  # fmt: skip

    for name, changes in ORIGINALS.items():
        c = config(**{"untie_r": False, "d_head": 6, **changes})
        mine = draw_weights(Original(c), 1)
        theirs = theirs_of(c)
        state = dict(mine.state_dict())
        for key in ("crit.cluster_weight", "crit.cluster_bias"):
            state[key] = state[key].flip(0)  # the original's clusters stand in the head the other way round
        missing = theirs.load_state_dict(state, strict=False)
        assert not missing.unexpected_keys and set(missing.missing_keys) <= {"pos_emb.inv_freq"}, missing
        theirs.crit.keep_order = True
        update = theirs._update_mems  # which is called with its last two arguments swapped, see transformers #2970
        theirs._update_mems = lambda hids, mems, mlen, qlen: update(hids, mems, qlen=qlen, mlen=mlen)
        ids = ids_of(2, 3 * LENGTH + 1)
        mems = [torch.zeros(0, BATCH, c.d_model) for _ in range(c.n_layer + 1)] if c.mem_len > 0 else ()
        expected, furthest = original_segments(mine, ids), 0
        for i in range(3):
            start, end = i * LENGTH, (i + 1) * LENGTH
            given = ids[:, max(0, start - c.ext_len) : end]
            theirs.zero_grad()
            loss, *mems = theirs(given.T.contiguous(), ids[:, start + 1 : end + 1].T.contiguous(), *mems)
            loss.mean().backward()
            apart = [(loss.T - expected[f"{i}/losses"]).abs().max().item()]
            apart += [(m.transpose(0, 1) - expected[f"{i}/mems.{k}"]).abs().max().item() for k, m in enumerate(mems[:-1])]
            furthest = max(furthest, *apart)
        for key, parameter in theirs.named_parameters():
            grad = parameter.grad.flip(0) if key.startswith("crit.cluster") else parameter.grad
            key = f"2/grad/{key}" if key.startswith("crit") else f"2/grad/transformer.{key}"
            furthest = max(furthest, (grad - expected[key]).abs().max().item())
        print(f"{name}: the original is {furthest:.1e} away")

    # The original's own file: the pickled model, with dropout rates that only the file tells.
    c = config(d_head=6, div_val=2, pre_lnorm=True, same_length=True, clamp_len=4)
    model = draw_weights(theirs_of(c, [False, True, True], dropout=0.2, dropatt=0.1), 300)
    folder = FOLDER / "original"
    folder.mkdir(exist_ok=True)
    torch.save(model, folder / "model.pt")
    model.crit.keep_order = True
    ids, mems = ids_of(301, 3 * LENGTH + 1), ()
    expected = {"input_ids": ids}
    for i in range(3):
        start, end = i * LENGTH, (i + 1) * LENGTH
        loss, *mems = model(ids[:, start:end].T.contiguous(), ids[:, start + 1 : end + 1].T.contiguous(), *mems)
        expected |= {f"{i}/losses": loss.T} | {f"{i}/mems.{k}": m.transpose(0, 1) for k, m in enumerate(mems[:-1])}
    save_tensors(folder / "segments.safetensors", expected)
    described("original")


def check(folder):
    for saved in sorted(Path(folder).iterdir()):
        model, loaded = TransfoXLLMHeadModel.from_pretrained(saved, output_loading_info=True)
        inputs, expected = (load_file(FOLDER / saved.name / f"{name}.safetensors") for name in ("inputs", "expected"))
        with torch.no_grad():
            apart = (model.eval()(inputs["input_ids"].long()).logits - expected["logits"]).abs().max().item()
        left_out = [*loaded["unexpected_keys"], *loaded["missing_keys"]]  # its sinusoids it computes itself
        print(f"{saved.name}: {apart:.1e} away, not in common: {left_out}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["compare"]:
        compare(sys.argv[2])
    elif sys.argv[1:2] == ["check"]:
        check(sys.argv[2])
    else:
        with_transformers()
        for i, (name, changes) in enumerate(ORIGINALS.items()):
            original(name, 200 + 10 * i, **changes)
