"""Recurrent layers of PyTorch: read with their sizes, predicted with the same weights at every step, and drawn."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import eoc.diagnose
import eoc.predict
from eoc.errors import EocError
from eoc.initializers.torch import initialize_
from eoc.models.steps import Kind
from eoc.models.torch.read import read

SEEDS = range(3)


class Tagger(nn.Module):
    """A recurrent layer and a head, at every step, at the last one, or on the last state."""

    def __init__(self, made, out=4, use="last"):
        super().__init__()
        self.cells, self.use = made, use
        width = (made.proj_size or made.hidden_size) * (1 + made.bidirectional)
        self.head = nn.Linear(width, out)

    def forward(self, x):
        if self.use == "state":
            states = self.cells(x)[1]
            h = states[0] if isinstance(states, tuple) else states
            return self.head(torch.cat([h[-2], h[-1]], -1) if self.cells.bidirectional else h[-1])
        seen = self.cells(x)[0]
        return self.head(seen[:, -1] if self.use == "last" else seen)


class Stepped(nn.Module):
    """A cell called in a loop of the user's own."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.head = cell, nn.Linear(cell.hidden_size, 2)

    def forward(self, x):
        state = None
        for t in range(3):
            state = self.cell(x[:, t], state)
        return self.head(state[0] if isinstance(state, tuple) else state)


def sequences(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# reading


@pytest.mark.parametrize("use", ["last", "all", "state"])
@pytest.mark.parametrize(
    ("made", "width"),
    [
        (nn.LSTM(6, 8, 2, batch_first=True), 8),
        (nn.LSTM(6, 8, 2, batch_first=True, proj_size=5, bidirectional=True), 10),
        (nn.GRU(6, 8, batch_first=True, bidirectional=True), 16),
        (nn.RNN(6, 8, batch_first=True, bias=False), 8),
    ],
)
def test_layers_have_their_sizes(made, width, use):
    steps = read(Tagger(made, use=use), example_inputs=sequences(3, 7, 6)).steps
    found = [step for step in steps if step.kind is Kind.RECURRENT]
    assert len(found) == made.num_layers
    assert all(step.shape == (3, 7, width) and step.recurrence.times == 7 for step in found)
    assert Kind.UNKNOWN not in [step.kind for step in steps]
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[type(made).__name__]
    assert [len(way) for way in found[0].recurrence.directions] == [gates] * (1 + made.bidirectional)
    assert sum(a.weight.numel() for step in found for a in step.recurrence.affines) == sum(
        p.numel() for name, p in made.named_parameters() if "weight" in name
    )


def test_time_may_come_first_and_shapes_may_be_unknown():
    made = Tagger(nn.GRU(6, 8), use="all")
    assert read(made, example_inputs=sequences(7, 3, 6)).steps[1].recurrence.times == 7
    assert read(made).steps[1].recurrence.times is None
    assert any("64 steps are taken" in row.why for row in eoc.predict.torch(made).rows)


def test_a_decoder_begins_with_the_state_of_an_encoder():
    class Translator(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder, self.head = nn.LSTM(6, 8), nn.LSTM(6, 8), nn.Linear(8, 3)

        def forward(self, x, y):
            return self.head(self.decoder(y, self.encoder(x)[1])[0])

    model = Translator()
    report = initialize_(model, example_inputs=(sequences(5, 2, 6), sequences(4, 2, 6)))
    assert not report.left
    assert {"encoder.weight_hh_l0", "decoder.weight_hh_l0"} <= {row.parameter for row in report.set}


class Packed(Tagger):
    """Sequences of several lengths, packed."""

    def forward(self, x):
        lengths = torch.full((len(x),), x.shape[1])
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        out, states = self.cells(packed)
        if self.use == "state":
            return self.head((states[0] if isinstance(states, tuple) else states)[-1])
        return self.head(nn.utils.rnn.pad_packed_sequence(out, batch_first=True)[0])


@pytest.mark.parametrize("use", ["all", "state"])
@pytest.mark.parametrize("made", [nn.LSTM(6, 8, batch_first=True), nn.GRU(6, 8, 2, batch_first=True)])
def test_packed_sequences_are_sequences(made, use):
    model, x = Packed(made, use=use), sequences(3, 7, 6)
    steps = read(model, example_inputs=x).steps
    assert Kind.UNKNOWN not in [step.kind for step in steps]
    assert {step.recurrence.times for step in steps if step.kind is Kind.RECURRENT} == {7}
    assert not initialize_(model, example_inputs=x).left
    assert eoc.predict.torch(model, x).rows[-1].mean_square > 0.0


# predictions


@pytest.mark.parametrize(
    ("make", "within"),
    [
        (lambda: nn.LSTM(64, 256, 2, batch_first=True), 0.1),
        (lambda: nn.GRU(64, 256, 2, batch_first=True), 0.1),
        (lambda: nn.LSTM(64, 256, batch_first=True, bidirectional=True, proj_size=64), 0.1),
        (lambda: nn.RNN(64, 256, 2, batch_first=True), 0.1),
    ],
)
@pytest.mark.parametrize("drawn", [False, True])
def test_mean_squares_and_gradients_are_those_measured(make, within, drawn):
    """At every step, at the last one, and gradients by the inputs, as PyTorch draws them and by the rules here."""
    measured, predicted = [], []
    for seed in SEEDS:
        torch.manual_seed(seed)
        model, x = Tagger(make(), out=64), torch.randn(16, 25, 64, requires_grad=True)
        if drawn:
            initialize_(model, example_inputs=x.detach())
        seen = model.cells(x)[0]
        out = model.head(seen[:, -1])
        by_seen, by_x = torch.autograd.grad(out, (seen, x), torch.randn_like(out))
        ratio = float(by_x.norm() / by_seen.norm())
        states = seen.detach().square()
        measured.append([states.mean().item(), states[:, -1].mean().item(), ratio])
        rows = eoc.predict.torch(model, x.detach()).rows
        at = max(k for k, row in enumerate(rows) if row.kind == "recurrent")
        predicted.append([rows[at].mean_square, rows[at + 2].mean_square, rows[0].gradient / rows[at].gradient])
    found = np.mean(predicted, axis=0) / np.mean(measured, axis=0)
    assert np.abs(found[:2] - 1.0).max() < within
    assert abs(found[2] - 1.0) < 2.0 * within


def test_few_inputs_make_gates_depend_on_each_other():
    """Units that remember for long add up what gates share: several times more than with many inputs."""
    torch.manual_seed(0)
    model, x = Tagger(nn.LSTM(2, 400, batch_first=True)), torch.randn(64, 80, 2)
    initialize_(model, example_inputs=x)
    seen = model.cells(x)[0].detach().square().mean().item()
    row = next(row for row in eoc.predict.torch(model, x).rows if row.kind == "recurrent")
    assert row.mean_square == pytest.approx(seen, rel=0.25)
    many = Tagger(nn.LSTM(256, 400, batch_first=True))
    initialize_(many, example_inputs=torch.randn(4, 80, 256))
    wide = next(row for row in eoc.predict.torch(many, torch.randn(4, 80, 256)).rows if row.kind == "recurrent")
    assert row.mean_square > 1.4 * wide.mean_square


def test_one_input_alone_is_predicted():
    assert "root mean square" in eoc.predict.torch(Tagger(nn.GRU(4, 8, batch_first=True)), torch.randn(1, 5, 4)).verdict


def test_a_cell_in_a_loop_is_followed():
    torch.manual_seed(0)
    model, x = Stepped(nn.LSTMCell(32, 200)), torch.randn(64, 3, 32)
    found = eoc.predict.torch(model, x)
    state = model.cell(x[:, 2], model.cell(x[:, 1], model.cell(x[:, 0])))[0]
    last = [row for row in found.rows if row.kind == "recurrent"][-1]
    assert last.mean_square == pytest.approx(state.detach().square().mean().item(), rel=0.2)
    assert "weights of their own" in last.why


@pytest.mark.parametrize("first", [True, False])
def test_models_with_recurrent_layers_are_diagnosed(first):
    """Rows for the last layer of a recurrent module and the layers around it; theory beside what is measured."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), Tagger(nn.LSTM(64, 192, 2, batch_first=first), out=64, use="all"))
    before = [p.clone() for p in model.parameters()]
    found = eoc.diagnose.torch(model, torch.randn(*((24, 20) if first else (20, 24)), 64))
    assert [row.layer for row in found.rows] == ["Linear 64 -> 64", "LSTM 192 -> 192", "Linear 192 -> 64"]
    for row in found.rows:
        assert row.expected.q == pytest.approx(row.measured.q, rel=0.15)
        assert row.predicted.q == pytest.approx(row.measured.q, rel=0.15)
        assert row.expected.gradient == pytest.approx(row.measured.gradient, rel=0.15)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))


def test_cells_in_loops_are_diagnosed_step_by_step():
    torch.manual_seed(0)
    found = eoc.diagnose.torch(Stepped(nn.GRUCell(32, 200)), torch.randn(64, 3, 32))
    assert [row.layer for row in found.rows] == [*["GRUCell 32 -> 200"] * 3, "Linear 200 -> 2"]
    for row in found.rows[:3]:
        assert row.expected.q == pytest.approx(row.measured.q, rel=0.2)
        assert row.measured.gradient > 0.0


# initialisation


def test_gates_see_variance_one_and_remember_for_the_length_of_sequences():
    torch.manual_seed(0)
    model, x = Tagger(nn.LSTM(64, 128, batch_first=True)), torch.randn(32, 40, 64)
    report = initialize_(model, example_inputs=x, seed=1)
    cells = model.cells
    assert not report.left
    assert (x @ cells.weight_ih_l0.T).var().item() == pytest.approx(1.0, rel=0.05)
    for gate in cells.weight_hh_l0.detach().split(128):
        assert torch.allclose(gate @ gate.T, torch.eye(128), atol=1e-5)
    i, f, g, o = cells.bias_ih_l0.detach().split(128)
    scales = 1.0 + f.exp()  # 1 / (1 - sigmoid)
    assert scales.min() > 2.0
    assert scales.max() < 40.0
    assert torch.equal(i, -f)
    assert not g.any()
    assert not o.any()
    assert not cells.bias_hh_l0.any()
    assert {"inputs", "recurrent"} <= {row.rule for row in report.set}
    assert "remember for 2 to T steps" in str(report)
    assert model(x).var().item() == pytest.approx(1.0, rel=0.5)


def test_without_a_length_forget_gates_get_one():
    for made, gate in ((nn.LSTM(6, 8), 1), (nn.GRU(6, 8), 1), (nn.LSTMCell(6, 8), 1)):
        model = Stepped(made) if isinstance(made, nn.RNNCellBase) else Tagger(made, use="all")
        initialize_(model)
        bias = getattr(made, "bias_ih_l0" if isinstance(made, nn.RNNBase) else "bias_ih").detach()
        parts = bias.split(8)
        assert parts[gate].tolist() == [1.0] * 8
        assert not torch.cat([part for k, part in enumerate(parts) if k != gate]).any()


def test_weights_may_be_gaussian_left_or_frozen():
    made = nn.GRU(64, 64)
    initialize_(Tagger(made, use="all"), weights="gaussian", seed=0)
    assert not torch.allclose(made.weight_hh_l0[:64] @ made.weight_hh_l0[:64].T, torch.eye(64), atol=0.1)
    before = made.weight_ih_l0.detach().clone()
    made.weight_ih_l0.requires_grad_(False)
    report = initialize_(Tagger(made, use="all"), skip="cells.bias_*", seed=3)
    assert torch.equal(made.weight_ih_l0, before)
    assert {row.parameter for row in report.left} == {"cells.weight_ih_l0", "cells.bias_ih_l0", "cells.bias_hh_l0"}


def test_the_same_seed_gives_the_same_and_errors_change_nothing():
    one, two = (Tagger(nn.LSTM(6, 8)) for _ in range(2))
    for model in (one, two):
        initialize_(model, seed=5)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    before = [p.detach().clone() for p in one.parameters()]
    with pytest.raises(EocError):
        initialize_(one, batch=torch.randn(2, 3, 5))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), before, strict=True))


def test_plain_cells_are_on_their_edge():
    made = nn.RNN(64, 128, batch_first=True)
    initialize_(Tagger(made), example_inputs=sequences(4, 9, 64))
    gain = made.weight_hh_l0.detach().square().mean().item() * 128
    assert math.sqrt(gain) == pytest.approx(1.327, rel=1e-3)
    alone = nn.RNN(64, 128, nonlinearity="relu")
    initialize_(alone)
    assert torch.allclose(alone.weight_hh_l0 @ alone.weight_hh_l0.T, torch.eye(128), atol=1e-5)
