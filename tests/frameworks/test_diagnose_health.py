"""What is wrong with a model is said, with what mends it; what is right passes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import eoc.diagnose
from eoc.errors import EocError
from eoc.initializers.torch import initialize_


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def deep(activation=nn.Tanh, layers=30, width=128):
    torch.manual_seed(0)
    parts = [part for _ in range(layers) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(*parts, nn.Linear(width, 16))


class Branches(nn.Module):
    """A pre-norm trunk with positions."""

    def __init__(self, scale=1.0, positions=1.0, width=128, blocks=6):
        super().__init__()
        self.first, self.last = nn.Linear(64, width), nn.Linear(width, 16)
        self.positions = nn.Parameter(positions * drawn(8, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.up = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        for layer in (self.first, self.last, *self.up, *self.down):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=torch.Generator().manual_seed(1))
        for layer in self.down:
            nn.init.normal_(layer.weight, std=scale * width**-0.5, generator=torch.Generator().manual_seed(2))

    def forward(self, x):
        x = self.first(x) + self.positions
        for norm, up, down in zip(self.norms, self.up, self.down, strict=True):
            x = x + down(F.gelu(up(norm(x))))
        return self.last(x)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU, nn.SiLU])
def test_models_that_are_drawn_well_are_healthy(activation):
    model = deep(activation)
    with pytest.raises(EocError, match=r"Gradients vanish .*initialize_"):
        eoc.diagnose.torch(model, drawn(8, 128)).assert_healthy()
    initialize_(model, generator=torch.Generator().manual_seed(0))
    found = eoc.diagnose.torch(model, drawn(8, 128))
    found.assert_healthy()
    assert found.problems == ()


def test_each_problem_is_named():
    model = deep()
    initialize_(model, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model[-1].weight *= 1e3
    assert any("root mean square of" in one for one in eoc.diagnose.torch(model, drawn(8, 128)).problems)
    ordered = deep(layers=12)
    for layer in ordered[:-1:2]:
        nn.init.normal_(layer.weight, std=0.3 * 128**-0.5)
        nn.init.normal_(layer.bias, std=1.0)
    (alike,) = [one for one in eoc.diagnose.torch(ordered, drawn(8, 128)).problems if "alike" in one]
    assert "from layer" in alike
    dead = deep(nn.ReLU, 3)
    nn.init.constant_(dead[2].bias, -100.0)
    assert eoc.diagnose.torch(dead, drawn(8, 128)).problems


def test_branches_that_begin_at_zero_are_no_problem():
    model = Branches(scale=0.0)
    found = eoc.diagnose.torch(model, drawn(8, 8, 64))
    found.assert_healthy()
    assert {one.what for one in found.drowned} == {"branch"}
    assert any("weights are all zero" in word for word in found.words)


def test_what_is_drowned_is_named_with_what_mends_it():
    fair = eoc.diagnose.torch(Branches(), drawn(8, 8, 64))
    assert fair.drowned == ()
    small = eoc.diagnose.torch(Branches(scale=0.03), drawn(8, 8, 64))
    assert {one.what for one in small.drowned} == {"branch"}
    assert any("the residual trunk drowns its branches" in word and "initialize_" in word for word in small.words)
    large = eoc.diagnose.torch(Branches(scale=30.0), drawn(8, 8, 64))
    assert "trunk" in {one.what for one in large.drowned}
    unseen = eoc.diagnose.torch(Branches(positions=0.02), drawn(8, 8, 64))
    (one,) = unseen.drowned
    assert (one.what, one.part) == ("parameter", "positions")
    assert one.ratio == pytest.approx(0.0004, rel=0.3)
    assert any('get_parameter("positions")' in word for word in unseen.words)


class Attends(nn.Module):
    """One attention, in a function, in a module or written out."""

    def __init__(self, how, scale, width=64):
        super().__init__()
        self.how, self.parts = how, nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(3))
        for layer, size in zip(self.parts, (scale, scale, 1.0), strict=True):
            nn.init.normal_(layer.weight, std=size * width**-0.5, generator=torch.Generator().manual_seed(3))
        self.packed = nn.MultiheadAttention(width, 4, batch_first=True)
        with torch.no_grad():
            self.packed.in_proj_weight.copy_(torch.cat([layer.weight for layer in self.parts]))

    def forward(self, x):
        if self.how == "module":
            return self.packed(x, x, x, need_weights=False)[0]
        q, k, v = (part(x).unflatten(-1, (4, -1)).transpose(1, 2) for part in self.parts)
        if self.how == "function":
            return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        weights = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
        return (F.dropout(weights, 0.0) @ v).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("how", ["module", "function", "written"])
def test_attention_is_measured_however_it_is_written(how):
    x = drawn(4, 48, 64)
    even = eoc.diagnose.torch(Attends(how, 0.3), x)
    (one,) = even.attention
    assert one.tokens == 48
    assert one.evenness > 0.95
    assert one.kept == pytest.approx(1.0 / 48.0, rel=0.4)
    assert any("averages away the tokens" in word for word in even.words)
    sharp = eoc.diagnose.torch(Attends(how, 8.0), x)
    assert sharp.attention[0].largest > 0.9
    assert any("attends to one token" in word for word in sharp.words)
    assert not any("attention a" in word for word in eoc.diagnose.torch(Attends(how, 1.7), x).words)


class Functions(nn.Module):
    """Weights applied by functions: of its own, computed, behind a bias that is added."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (nn.Parameter(drawn(128, 128, seed=at) * 128**-0.5) for at in (7, 8, 9))
        self.bias = nn.Parameter(drawn(128, seed=5))
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(128, 128, bias=False))

    def forward(self, x):
        x = torch.tanh(F.linear(x, self.a))
        x = torch.tanh(x @ self.b + self.bias)
        x = torch.tanh(torch.einsum("bi,oi->bo", x, self.c))
        return self.normed(x)


def test_weights_are_measured_wherever_they_are_applied():
    found = eoc.diagnose.torch(Functions(), drawn(16, 128))
    assert len(found.rows) == 4
    assert not any(row.why or row.gradient_why for row in found.rows)
    for row in found.rows:
        assert row.measured.q == pytest.approx(row.expected.q, rel=0.3)
        assert row.measured.gradient == pytest.approx(row.expected.gradient, rel=0.3)
        assert row.weight_gradient > 0.0
    assert found.rows[1].sigma_b == pytest.approx(1.0, rel=0.2)


class Hidden(nn.Module):
    """Returns a hidden state beside what is computed from it."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 16)

    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        return {"logits": self.last(hidden), "hidden": hidden}


def test_hidden_states_do_not_count_as_outputs():
    torch.manual_seed(6)
    model = Hidden()
    both = eoc.diagnose.torch(model, drawn(8, 64))
    alone = eoc.diagnose.torch(model, drawn(8, 64), loss=lambda out: out["logits"].sum())
    assert both.rows[1].measured.gradient == pytest.approx(4.0, rel=0.3)
    assert both.rows[0].measured.gradient < 4.0
    assert alone.rows[1].measured.gradient == pytest.approx(4.0)
