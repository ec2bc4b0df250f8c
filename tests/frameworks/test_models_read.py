"""Models are read as the steps that they compute."""

from __future__ import annotations

import copy
import math
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eoc.errors import EocError
from eoc.models.steps import Kind, Reading
from eoc.models.torch.read import read


def shown(reading: Reading) -> list[str]:
    """Each step as "name: kind [activation] of the names of its inputs"."""
    steps = reading.steps
    lines = []
    for step in steps:
        phi = "" if step.activation is None else f" {step.activation.name}"
        inputs = ", ".join(steps[at].name for at in step.inputs)
        lines.append(f"{step.name}: {step.kind}{phi}" + (f" of {inputs}" if inputs else ""))
    return lines


def fans(reading: Reading) -> dict[str, float]:
    return {step.name: step.affine.fan_in for step in reading.steps if step.affine is not None}


def kinds(reading: Reading, *wanted: Kind) -> list[str]:
    return [step.name for step in reading.steps if step.kind in wanted]


def unseen(model: nn.Module, reading: Reading) -> set[str]:
    """The parameters that are in no step."""
    seen: set[str] = set()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for step in reading.steps:
        if step.affine is not None:
            seen |= {step.affine.weight_name, step.affine.bias_name, *step.affine.sources}
        elif step.kind is Kind.PARAMETER:
            seen.add(step.name)
        elif step.module is not None:
            seen |= {names[id(parameter)] for parameter in step.module.parameters()}
    return set(names.values()) - seen


# --- chains -----------------------------------------------------------------------------------------------------------


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x, mask=None, *, scale=1.0):
        x = F.dropout(F.elu(self.fc1(torch.flatten(x, 1)), alpha=0.5), 0.1, self.training)
        if mask is not None:
            x = x * mask
        x = torch.tanh(self.fc2(x))
        return self.fc3(x) * scale


def test_modules_and_functions_give_the_same_chain():
    modules = nn.Sequential(nn.Linear(4, 8), nn.ELU(0.5), nn.Dropout(0.1), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
    assert shown(read(modules)) == [
        "input: input",
        "0: layer of input",
        "1: activation elu(alpha=0.5) of 0",
        "2: dropout of 1",
        "3: layer of 2",
        "4: activation tanh of 3",
        "5: layer of 4",
        "output: output of 5",
    ]
    assert shown(read(Functional())) == [
        "x: input",
        "flatten: reshaping of x",
        "fc1: layer of flatten",
        "elu: activation elu(alpha=0.5) of fc1",
        "dropout: dropout of elu",
        "fc2: layer of dropout",
        "tanh: activation tanh of fc2",
        "fc3: layer of tanh",
        "mul: reshaping of fc3",
        "output: output of mul",
    ]
    assert read(modules).traced
    assert read(modules).problem == ""


def test_convolutions_count_their_kernels_groups_and_strides():
    model = nn.Sequential(
        nn.Conv2d(6, 12, (3, 5), groups=3),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.ConvTranspose2d(12, 8, 4, stride=2, groups=2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 4, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
    reading = read(model)
    assert fans(reading) == {"0": 2 * 15, "4": 6 * 16 / 4, "6": 8, "9": 4}
    assert [str(step.kind) for step in reading.steps] == [
        *("input", "layer", "normalisation", "activation", "pooling", "layer", "reshaping", "layer", "pooling"),
        *("reshaping", "layer", "output"),
    ]
    transposed = reading.steps[5].affine
    assert transposed.transposed
    assert transposed.groups == 2
    assert transposed.weight is model[4].weight


class FunctionalLayers(nn.Module):
    """Layers without modules, as Hugging Face's GPT-2 and many others write them."""

    def __init__(self):
        super().__init__()
        self.w1, self.b1 = nn.Parameter(torch.randn(4, 6)), nn.Parameter(torch.zeros(6))
        self.w2, self.w3 = nn.Parameter(torch.randn(6, 6)), nn.Parameter(torch.randn(2, 6))
        self.kernel = nn.Parameter(torch.randn(4, 1, 3))

    def forward(self, x):
        x = torch.addmm(self.b1, x, self.w1).relu()
        x = F.linear(torch.relu_(x @ self.w2), self.w3)
        x = F.conv1d(x.view(-1, 2, 1).repeat(1, 2, 3), self.kernel, groups=4)
        return F.linear(x.flatten(1), (self.w1 * 2.0).T)


def test_layers_without_modules_are_layers_if_their_weight_is_a_parameter():
    reading = read(FunctionalLayers())
    layers = [step for step in reading.steps if step.affine]
    assert [(step.name, step.affine.fan_in) for step in layers] == [
        *(("w1", 4), ("w2", 6), ("w3", 6), ("kernel", 3), ("w1", 4))
    ]
    assert [step.affine.transposed for step in layers] == [True, True, False, False, False]
    assert kinds(reading, Kind.ACTIVATION) == ["relu", "relu_"]


def test_a_model_of_one_module_is_read_too():
    assert shown(read(nn.Linear(3, 4))) == ["input: input", "linear: layer of input", "output: output of linear"]
    assert [step.affine.weight_name for step in read(nn.Linear(3, 4)).steps if step.affine] == ["weight"]
    assert len(kinds(read(nn.MultiheadAttention(4, 2)), Kind.INPUT)) == 3


# --- branches ---------------------------------------------------------------------------------------------------------


class BasicBlock(nn.Module):
    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(after), nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


def test_residual_branches_end_in_sums():
    model = nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 8, 2))
    reading = read(model)
    assert shown(reading)[1:8] == [
        "0.conv1: layer of input",
        "0.bn1: normalisation of 0.conv1",
        "0.relu: activation relu of 0.bn1",
        "0.conv2: layer of 0.relu",
        "0.bn2: normalisation of 0.conv2",
        "add: addition of 0.bn2, input",
        "0.relu: activation relu of add",
    ]
    assert shown(reading)[-4:-1] == [
        "1.downsample.1: normalisation of 1.downsample.0",
        "add_1: addition of 1.bn2, 1.downsample.1",
        "1.relu: activation relu of add_1",
    ]
    assert not unseen(model, reading)


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(3, 3), nn.Linear(3, 3), nn.ReLU(inplace=True)

    def forward(self, x):
        h = self.first(x)
        return h + self.second(self.relu(h))


def test_what_is_written_over_is_seen_where_it_is_used_later():
    assert "add: addition of relu, second" in shown(read(InPlace()))


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.gamma = nn.Linear(4, 4), nn.Linear(4, 4), nn.Parameter(torch.full((4,), 0.5))
        self.shift = nn.Parameter(torch.zeros(4))
        self.slope = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        x = x + 0.1 * self.fc1(x)
        x = (x + self.gamma * self.fc2(x)) / math.sqrt(2.0)
        return (x + self.shift) * torch.sigmoid(self.slope * (x + self.shift))


def test_fixed_factors_are_steps_of_their_own():
    reading = read(Scaled())
    scales = [step for step in reading.steps if step.kind is Kind.SCALE]
    assert [float(step.activation(1.0)) for step in scales] == pytest.approx([0.1, 0.5, math.sqrt(0.5)], rel=1e-12)
    assert scales[1].note == "times gamma, of root mean square 0.5"
    shifts = [step for step in reading.steps if step.kind is Kind.PARAMETER]
    assert [step.name for step in shifts] == ["shift"]
    assert torch.equal(shifts[0].tensor, torch.zeros(4))
    assert reading.steps[-2].kind is Kind.MULTIPLY  # of two sums, as far as can be seen


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 4)
        self.fused, self.glu = nn.Linear(4, 8), nn.GLU(-1)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x)) + self.glu(self.fused(x))


def test_gates_are_products():
    assert shown(read(Gated()))[1:] == [
        "gate: layer of x",
        "up: layer of x",
        "silu: activation silu of gate",
        "mul: multiplication of silu, up",
        "down: layer of mul",
        "fused: layer of x",
        "glu.x: reshaping of fused",
        "glu.y: reshaping of fused",
        "glu.sigmoid: activation sigmoid of glu.y",
        "glu: multiplication of glu.x, glu.sigmoid",
        "add: addition of down, glu",
        "output: output of add",
    ]


# --- transformers -----------------------------------------------------------------------------------------------------


class RMSNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class Attention(nn.Module):
    """With masks, positions and shapes as they are written by hand."""

    def __init__(self, width: int, heads: int, how: str) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.how = heads, how
        self.register_buffer("mask", torch.tril(torch.ones(32, 32)))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (each.view(b, t, self.heads, c // self.heads).transpose(1, 2) for each in (q, k, v))
        if self.how == "fused":
            y = F.scaled_dot_product_attention(q, key=k, value=v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
            if self.how == "buffer":
                scores = scores.masked_fill(self.mask[:t, :t] == 0, float("-inf"))
            else:
                scores = scores + torch.triu(torch.full((t, t), float("-inf")), 1)
            y = F.dropout(F.softmax(scores, dim=-1), 0.1, self.training) @ v
        return self.out(y.transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(8), nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True) if how == "module" else Attention(8, 2, how)
        self.fc1, self.fc2 = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x):
        h = self.norm1(x)
        if isinstance(self.attention, Attention):
            x = x + self.attention(h)
        else:
            x = x + self.attention(query=h, value=h, key=h, need_weights=False)[0]
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, 8), nn.Embedding(32, 8)
        self.blocks = nn.ModuleList(Block(how) for _ in range(2))
        self.norm = RMSNorm(8)
        self.head = nn.Linear(8, 50, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids, targets=None):
        x = self.tokens(ids) + self.places(torch.arange(0, ids.size(1), device=ids.device))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return logits if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@pytest.mark.parametrize("how", ["module", "fused", "buffer", "made"])
def test_a_pre_norm_transformer_is_a_trunk_with_branches(how):
    model = Transformer(how)
    reading = read(model)
    lines = [line for line in shown(reading) if "reshaping" not in line]
    assert reading.traced, reading.problem
    assert lines[:4] == [
        "ids: input",
        "tokens: embedding of ids",
        "places: embedding",
        "add: addition of tokens, places",
    ]
    branch = next(at for at, line in enumerate(lines) if line.startswith("blocks.0.norm2"))
    trunk = lines[branch].removeprefix("blocks.0.norm2: normalisation of ")
    assert lines[branch - 1].startswith(f"{trunk}: addition of add, blocks.0.attention.out")
    assert lines[branch + 1 : branch + 4] == [
        "blocks.0.fc1: layer of blocks.0.norm2",
        "gelu: activation gelu of blocks.0.fc1",
        "blocks.0.fc2: layer of gelu",
    ]
    assert lines[branch + 4].endswith(f": addition of {trunk}, blocks.0.fc2")
    attention = [step for step in reading.steps if step.kind is Kind.ATTENTION]
    assert [len(step.inputs) for step in attention] == [3, 3]
    assert reading.steps[-2].affine.weight_name == "tokens.weight"  # tied
    assert not unseen(model, reading)


def test_attention_takes_queries_keys_and_values_from_the_right_rows():
    model = Transformer("module")
    steps = {step.name: step for step in read(model).steps}
    packed = model.blocks[1].attention.in_proj_weight
    for at, letter in enumerate("qkv"):
        affine = steps[f"blocks.1.attention.{letter}"].affine
        assert affine.weight_name == "blocks.1.attention.in_proj_weight"
        assert affine.part == f"rows {8 * at} to {8 * at + 7}"
        assert affine.fan_in == 8.0
        assert affine.weight.data_ptr() == packed[8 * at :].data_ptr()
        assert affine.weight.requires_grad
        assert affine.bias.shape == (8,)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["gelu", nn.ELU(0.5)])
def test_transformer_layers_of_torch_are_taken_apart(norm_first, activation):
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation=activation, norm_first=norm_first, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    reading = read(model)
    phi = "gelu" if activation == "gelu" else "elu(alpha=0.5)"
    ends = ["layers.0.linear2: layer of layers.0.dropout", "layers.0.dropout2: dropout of layers.0.linear2"]
    if norm_first:
        rest = ["layers.0.norm2: normalisation of layers.0.add1", "layers.0.linear1: layer of layers.0.norm2"]
        ends += ["layers.0.add2: addition of layers.0.add1, layers.0.dropout2"]
    else:
        rest = ["layers.0.norm1: normalisation of layers.0.add1", "layers.0.linear1: layer of layers.0.norm1"]
        ends += ["layers.0.add2: addition of layers.0.norm1, layers.0.dropout2"]
        ends += ["layers.0.norm2: normalisation of layers.0.add2"]
    rest += [f"layers.0.activation: activation {phi} of layers.0.linear1"]
    lines = shown(reading)
    start = lines.index(rest[0])
    middle = ["layers.0.dropout: dropout of layers.0.activation"]
    assert lines[start : start + len([*rest, *middle, *ends])] == [*rest, *middle, *ends]
    assert not unseen(model, reading)


def test_transformer_layers_have_activations_of_the_users_own():
    class Swish(nn.Module):
        def forward(self, x):
            return x * torch.sigmoid(x)

    steps = read(nn.TransformerEncoderLayer(8, 2, 16, activation=Swish(), batch_first=True)).steps
    own = next(step for step in steps if step.kind is Kind.ACTIVATION)
    assert float(own.activation(1.0)) == pytest.approx(1.0 / (1.0 + math.exp(-1.0)))


def test_decoders_see_the_memory():
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    reading = read(model)
    lines = shown(reading)
    assert lines[:2] == ["src: input", "tgt: input"]
    assert "decoder.layers.0.multihead_attn.q: layer of decoder.layers.0.norm1" in lines
    assert "decoder.layers.0.multihead_attn.v: layer of encoder.norm" in lines
    assert not unseen(model, reading)


# --- what is seen once, twice or not at all ---------------------------------------------------------------------------


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.extra, self.scale = nn.Linear(4, 4), nn.Linear(4, 4), nn.Parameter(torch.ones(4, 4))

    def forward(self, x, y):
        both = torch.tanh(torch.cat([self.layer(x), self.layer(y)], -1))
        return {"both": both, "more": (x * self.scale[0], None)}


def test_shared_modules_are_seen_twice_and_unused_ones_not_at_all():
    model = Shared()
    reading = read(model)
    assert shown(reading) == [
        "x: input",
        "y: input",
        "layer: layer of x",
        "layer: layer of y",
        "cat: concatenation of layer, layer",
        "tanh: activation tanh of cat",
        "mul: scaling identity of x",
        "output: output of tanh, mul",
    ]
    assert unseen(model, reading) == {"extra.weight", "extra.bias", "scale"}


def test_what_cannot_be_known_says_why():
    model = nn.Sequential(nn.Conv1d(4, 4, 1), nn.LocalResponseNorm(2), nn.Softmax(-1))
    assert [step.kind for step in read(model).steps[2:-1]] == [Kind.UNKNOWN] * 2
    assert read(nn.LSTM(3, 4)).steps[1].note == "recurrent: its weights are used again at every time step"
    assert read(nn.Bilinear(3, 4, 2)).steps[-2].kind is Kind.UNKNOWN


class Autograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class OwnFunction(nn.Module):
    def forward(self, x):
        return Autograd.apply(x)


class Sorted(nn.Module):
    """Not a function of each element, and its control flow depends on the data."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_an_activation_of_ones_own_is_seen_by_calling_it_or_named_by_the_user():
    model = nn.Sequential(nn.Linear(2, 2), OwnFunction(), nn.Linear(2, 2), Sorted(), nn.Linear(2, 2))
    steps = read(model).steps
    assert float(steps[2].activation(1.0)) == pytest.approx(1.0 / (1.0 + math.exp(-1.0)), abs=1e-15)
    assert steps[4].kind is Kind.UNKNOWN
    named = read(model, activation="selu").steps
    assert named[4].activation.name == "selu"
    assert named[4].note == "Sorted is taken for selu, as asked"
    assert named[2].activation.name == "silu"


class DropPath(nn.Module):
    def forward(self, x):
        if not self.training:
            return x
        return x / 0.9 * x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(0.9)


def test_random_paths_are_dropout():
    assert shown(read(nn.Sequential(nn.Linear(2, 2), DropPath())))[2] == "1: dropout of 0"


class Careful(nn.Module):
    """Checks shapes, and has learned queries."""

    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(4, 8)), nn.Parameter(torch.zeros(8))
        self.queries, self.attention = nn.Parameter(torch.randn(1, 3, 8)), nn.MultiheadAttention(8, 2)

    def forward(self, x, padding):
        assert x.shape[-1] == 4, "four features"
        if x.dim() > 3:
            raise ValueError("too many dimensions")
        if x.size(1) % 2:
            x = F.pad(x, (0, 0, 0, 1))
        h = torch.tanh(x @ self.w + self.b)
        return self.attention(self.queries.expand(h.shape[0], -1, -1), h, h, key_padding_mask=padding)[0]


def test_questions_about_shapes_and_learned_queries_are_no_obstacle():
    model = Careful()
    reading = read(model)
    assert reading.traced, reading.problem
    lines = shown(reading)
    assert "tanh: activation tanh of w" in lines
    assert "attention.q: layer of queries" in lines
    assert "attention.k: layer of tanh" in lines
    assert "attention.v: layer of tanh" in lines
    assert next(step for step in reading.steps if step.name == "w").affine.bias is model.b
    assert not unseen(model, reading)


def test_spectral_norms_do_not_go_on_iterating():
    model = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)))
    before = copy.deepcopy(model.state_dict())
    read(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# --- module order -----------------------------------------------------------------------------------------------------


class Untraceable(nn.Module):
    def __init__(self, *activations: nn.Module) -> None:
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 4)
        self.fc3 = nn.Linear(4, 4)
        self.activations = nn.ModuleList(activations)

    def forward(self, x):
        return self.fc3(x) if x.sum() > 0 else self.fc2(x)


def test_without_a_trace_modules_come_in_order_and_no_activation_is_guessed():
    model = Untraceable(nn.Tanh())
    reading = read(model)
    assert not reading.traced
    assert "control flow" in reading.problem
    assert "\n" not in reading.problem
    assert shown(reading) == [
        "input: input",
        "fc1: layer of input",
        "norm: normalisation of fc1",
        "fc2: layer of norm",
        "fc3: layer of fc2",
        "output: output of fc3",
    ]
    assert not unseen(model, reading)


class Projections(Untraceable):
    def __init__(self):
        super().__init__()
        self.q_proj, self.out, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)


def test_without_a_trace_the_activation_that_is_asked_for_follows_hidden_layers_but_those_of_attention():
    assert kinds(read(Untraceable()), Kind.ACTIVATION) == []
    named = read(Untraceable(), activation="gelu")
    assert [step.activation.name for step in named.steps if step.activation] == ["gelu", "gelu"]
    steps = read(Projections(), activation="gelu").steps
    after = [steps[step.inputs[0]].name for step in steps if step.kind is Kind.ACTIVATION]
    assert after == ["norm", "fc2", "fc3"]


class UntraceableChain(nn.Sequential):
    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else x


def test_without_a_trace_a_chain_is_still_a_chain():
    layers = [nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Sigmoid()]
    ordered, traced = read(UntraceableChain(*layers)), read(nn.Sequential(*layers))
    assert not ordered.traced
    assert shown(ordered) == shown(traced)


# --- the model stays as it is -----------------------------------------------------------------------------------------


class Writes(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.calls, self.lock = nn.Linear(3, 3), 0, threading.Lock()
        self.register_buffer("steps", torch.zeros(()))
        self.seen: list[object] = []

    def forward(self, x):
        self.calls += 1
        self.last = x
        self.seen.append(x)
        self.steps = self.steps + 1
        return torch.tanh(self.layer(x)) + torch.rand(1)


def test_reading_leaves_no_trace():
    called = []
    model = nn.Sequential(Writes(), nn.Dropout(), nn.BatchNorm1d(3)).eval()
    for module in (model, model[0], model[0].layer):
        module.register_forward_hook(lambda *arguments: called.append(arguments))
    before, random = copy.deepcopy(model.state_dict()), torch.random.get_rng_state()
    assert read(model).traced
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert not model.training
    assert not called
    assert model[0].calls == 0
    assert not model[0].seen
    assert not hasattr(model[0], "last")


def test_precision_and_devices_do_not_matter():
    model = Transformer("buffer")
    with torch.device("meta"):
        empty = Transformer("buffer")
    assert shown(read(empty)) == shown(read(model)) == shown(read(model.half()))
    assert shown(read(model.double())) == shown(read(empty))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of PyTorch's own, where compile is imported
@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel], ids=["compile", "DataParallel"])
def test_wrapped_models_are_named_as_their_parameters(wrap):
    model = wrap(nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1)))
    inside = nn.Sequential(nn.Linear(3, 3), model)
    for each in (model, inside):
        reading = read(each)
        assert reading.traced
        assert not unseen(each, reading)
        for step in reading.steps:
            assert step.affine is None or step.affine.weight_name == f"{step.name}.weight"


def test_what_cannot_be_read_is_refused_with_what_to_do():
    with pytest.raises(EocError, match=r"torch\.nn\.Module, got <function relu"):
        read(F.relu)
    with pytest.raises(EocError, match="run one batch through the model first"):
        read(nn.Sequential(nn.LazyLinear(3)))
    with (
        pytest.warns(DeprecationWarning, match="jit"),
        pytest.raises(EocError, match="the module that it was made from"),
    ):
        read(torch.jit.script(nn.Linear(2, 2)))
    with torch.device("meta"):
        slopes = nn.Sequential(nn.Linear(3, 3), nn.PReLU())
    with pytest.raises(EocError, match="materialise the model first"):
        read(slopes)
    with pytest.raises(EocError, match="did you mean"):
        read(nn.Linear(2, 2), activation="rleu")
