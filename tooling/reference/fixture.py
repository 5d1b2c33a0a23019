"""What every script here shares: where fixtures go, seeded random weights, and how a case is written.

A fixture is made on one thread, in float32, with a fixed seed, so that running a script twice writes the same
bytes. Another processor may differ in the last bit of a float.
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

PACKAGES = Path(__file__).resolve().parents[2] / "packages"


def fixtures(package):
    """The fixture folder of a package, made if it is not there."""
    folder = PACKAGES / package / "fixtures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def generator(seed):
    return torch.Generator().manual_seed(seed)


def normal(seed, *shape, std=1.0, mean=0.0):
    return mean + std * torch.randn(shape, generator=generator(seed))


@torch.no_grad()
def draw_weights(model, seed):
    """Gives every parameter a value that shows: fresh models have zero biases and unit LayerNorms, which would
    hide a bias that is left out or a scale that is never read."""
    random = generator(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=random)
        if name.endswith(("LayerNorm.weight", "layer_norm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight")):
            parameter.copy_(1 + 0.1 * noise)
        elif name.endswith("bias"):
            parameter.copy_(0.1 * noise)
        else:
            parameter.copy_(0.2 * noise)
    return model.eval()


def gradients(model, scalar):
    """`grad/<checkpoint key>` of every parameter. A tied parameter appears once, under the key the file has; one
    that the scalar does not reach is left out."""
    model.zero_grad()
    scalar.backward()
    return {f"grad/{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}


def save_tensors(path, tensors):
    """Writes a safetensors file: floats as float32, integers as int32 unless they are a checkpoint's own."""
    def plain(tensor):
        tensor = tensor.detach()
        dtype = torch.float32 if tensor.is_floating_point() else torch.int32
        return tensor.to(dtype).clone(memory_format=torch.contiguous_format)

    save_file({name: plain(tensor) for name, tensor in tensors.items()}, path)


def save_case(folder, model, inputs, expected):
    """A Hugging Face folder as `save_pretrained` writes it, with the inputs and the outputs beside it."""
    model.save_pretrained(folder)
    save_tensors(folder / "inputs.safetensors", inputs)
    save_tensors(folder / "expected.safetensors", expected)


def save_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def distance(actual, exact):
    """The largest difference of two tensors, as it is and in units of the exact one's largest entry."""
    difference = (actual.double() - exact.double()).abs().max().item()
    return difference, difference / max(exact.double().abs().max().item(), 1e-30)


def report(folder, actual, exact):
    """Prints how much room a test has: how far PyTorch's own float32 lies from its float64 on this case."""
    outputs = {k: distance(v, exact[k])[0] for k, v in actual.items() if not k.startswith("grad/")}
    # A key's bias shifts all scores of a query alike, which softmax does not see: its gradient is rounding noise.
    grads = {k: distance(v, exact[k])[1] for k, v in actual.items() if k.startswith("grad/") and "key.bias" not in k}
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1000
    line = f"{folder.parent.parent.name}/{folder.name}: {size:.0f} kB, float32 from float64"
    for label, table in (("outputs", outputs), ("gradients (relative)", grads)):
        if table:
            worst = max(table, key=table.get)
            line += f", {label} {table[worst]:.1e} ({worst})"
    print(line)
