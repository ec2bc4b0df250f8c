r"""Real recurrent cells, with weight matrices that are the same at every step or fresh ones, beside theory.

Cells of N units see two sequences of fresh Gaussian inputs of correlation c and begin where theory says that they stay.
Over the last half of the steps are averaged E[h^2] and the correlation of the two states, over time and units; how a
tangent grows a step is the geometric mean of its squared length there. Each cell is one sample: standard errors are
those of a mean over independent networks, widened by Student's t, so that chance alone passes 4 of them once in 16 000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

import numpy as np
from scipy.stats import norm, t

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian.bivariate import bivariate
from eoc.montecarlo.experiments.comparison import LIMIT, Comparison
from eoc.montecarlo.settings import checked_count, checked_seed, generator
from eoc.recurrence import Cell, Recurrent, cell_of, recurrent
from eoc.recurrence.steps import FIELDS, STEPS, Numbers
from eoc.shown import Shown

__all__ = ["RecurrentSample", "recurrent_networks"]

_TANGENT = 1e-100  # size of imaginary parts
_MOST_UNITS, _MOST_STEPS = 5000, 10_000
_LEAST_NETWORKS = 3
_SCALES, _LEAST_STEPS, _LONG = 6.0, 40, 300  # steps, in time scales of the cell


@dataclass(frozen=True)
class RecurrentSample(Shown, report="recurrent.write_recurrent_sample"):
    """Cells of finite width, and what theory of fresh weights says of them.

    Attributes
    ----------
    theory
        At infinite width, with fresh weights at every step.
    tied
        Whether the cells have the same weights at every step.
    width, networks, steps, seed
        How many units, cells and steps there were, and the seed.
    comparisons
        Of E[h^2], of c where theory knows it, and of the growth of tangents.
    """

    theory: Recurrent
    tied: bool
    width: int
    networks: int
    steps: int
    seed: int
    comparisons: tuple[Comparison, ...]

    @property
    def agrees(self) -> bool:
        """Whether all are within 4 standard errors of theory, or 2/N of it, which finite width may change."""
        return all(one.agrees for one in self.comparisons)

    @property
    def verdict(self) -> str:
        """What it means, in a sentence."""
        weights = "the same weights at every step" if self.tied else "fresh weights at every step"
        cells = f"{self.theory.cell} of {self.width} units with {weights}"
        off = max(self.comparisons, key=lambda one: abs(one.z))
        if self.agrees:
            return f"{self.networks} {cells} agree with theory of fresh weights: largest |z| = {abs(off.z):.1f}"
        return (
            f"{cells}: {off.quantity} is {off.measured:.4g} +- {off.standard_error:.1g}, and not {off.theory:.4g} as "
            f"theory of fresh weights says: {abs(off.z):.0f} standard errors off"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything by name."""
        own = {name: value for name, value in vars(self).items() if name not in ("theory", "comparisons")}
        said = {"agrees": self.agrees, "verdict": self.verdict}
        return {**own, **said, "theory": self.theory.to_dict(), "comparisons": [c.to_dict() for c in self.comparisons]}


def recurrent_networks(
    cell: object,
    *,
    tied: bool = True,
    width: int = 256,
    networks: int = 16,
    steps: int | None = None,
    seed: int = 0,
    activation: object = None,
    **numbers: float,
) -> RecurrentSample:
    """Sample recurrent cells with real weight matrices, beside theory of fresh weights.

    Parameters
    ----------
    cell, activation, numbers
        As of :func:`eoc.recurrent`; an "rnn" has tanh or relu.
    tied
        Whether a cell has the same weights at every step, as real ones have.
    width
        Units of each cell, 2 to 5000; inputs are as wide.
    networks
        How many, 3 or more.
    steps
        From 4 to 10 000; left out, six time scales of the cell, from 40 to 300.
    seed
        A whole number >= 0: the same one gives the same cells.

    Returns
    -------
    RecurrentSample
        Where theory is off, ``verdict`` says so.

    Raises
    ------
    EocError
        As :func:`eoc.recurrent`, for numbers out of range, and where states grow without end.

    Examples
    --------
    >>> found = recurrent_networks("gru", sigma_w=4.0, sigma_v=0.05**0.5, width=100, networks=6, seed=1)
    >>> found.agrees, "and not 0.08027 as" in found.verdict
    (False, True)
    """
    given = cell_of(cell, activation, numbers)
    kind = f"rnn {given.activation}" if given.name == "rnn" else given.name
    if kind not in STEPS:
        raise EocError(f"cells of an 'rnn' with tanh or relu can be sampled, got {given.activation!r}")
    units = checked_count("width", width, _MOST_UNITS)
    count = checked_count("networks", networks)
    if units < 2 or count < _LEAST_NETWORKS:
        raise EocError(f"give a width of 2 or more and 3 networks or more, got {units} and {count}")
    theory = recurrent(given)
    if not isfinite(theory.hidden):
        raise EocError(f"{theory.verdict}: take a smaller sigma_w")
    times = _steps(theory) if steps is None else checked_count("steps", steps, _MOST_STEPS)
    if times < 4:
        raise EocError(f"steps must be 4 or more, got {times}")
    number = checked_seed(seed)
    drawn = np.array([_one(kind, given, theory, units, times, tied, generator(number, n)) for n in range(count)])
    return RecurrentSample(theory, tied, units, count, times, number, _compared(theory, drawn, units))


def _steps(theory: Recurrent) -> int:
    """Six time scales, of gradients or of correlations."""
    scales = [abs(one) for one in (theory.xi_grad, theory.xi_c) if isfinite(one)]
    return int(np.clip(_SCALES * max(scales, default=_LEAST_STEPS), _LEAST_STEPS, _LONG))


def _compared(theory: Recurrent, drawn: FloatArray, units: int) -> tuple[Comparison, ...]:
    names = (("E[h^2]", theory.hidden), ("c", _hidden_c(theory)), ("growth of squared tangents", theory.chi))
    found = []
    for (name, value), column in zip(names, drawn.T, strict=True):
        if not isnan(value):
            error = float(column.std(ddof=1) / len(column) ** 0.5) * _widened(len(column))
            found.append(Comparison(name, None, value, float(column.mean()), error, 2.0 * abs(value) / units))
    return tuple(found)


def _widened(networks: int) -> float:
    """By what standard errors of so few networks are widened, so that 4 of them are passed as rarely as by a normal."""
    return float(t.isf(norm.sf(LIMIT), networks - 1)) / LIMIT


def _hidden_c(theory: Recurrent) -> float:
    """The correlation of states of an "rnn" is not that of its pre-activations."""
    if theory.cell != "rnn" or isnan(theory.c_star) or theory.q == 0.0:
        return theory.c_star
    k = bivariate(theory.activation, theory.q, theory.c_star, ("K",))["K"].value
    return float(k) / theory.hidden


class _Matrices:
    """The weights of one cell, and its inputs."""

    def __init__(self, kind: str, cell: Cell, units: int, tied: bool, rng: np.random.Generator) -> None:
        self._cell, self._units, self._tied, self._rng = cell, units, tied, rng
        self._known: dict[str, tuple[FloatArray, FloatArray, FloatArray]] = {}
        self.inputs = np.zeros((2, units))
        self.tied = {name: self._fresh(name) for name in FIELDS[kind]} if tied else {}

    def step(self) -> None:
        """Go on to the next inputs."""
        c, (one, two) = self._cell.numbers["c"], self._rng.standard_normal((2, self._units))
        size = self._cell.numbers["R"] ** 0.5
        self.inputs = size * np.array([one, c * one + max(1.0 - c * c, 0.0) ** 0.5 * two])

    def __call__(self, name: str, source: Numbers | None) -> Numbers:
        """The pre-activations of a gate; tangents of the first state alone."""
        w, v, b = self.tied[name] if self._tied else self._fresh(name)
        seen = (self.inputs @ v.T + b).astype(complex)
        if source is not None:
            rows = np.vstack([source.real, source[:1].imag])
            pushed = rows @ w.T
            seen += pushed[:2]
            seen[0] += 1j * pushed[2]
        return seen

    def _fresh(self, name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
        recurrent, inputs, bias, mean = _sizes(self._cell, name)
        n = self._units
        w, v = (
            size / n**0.5 * self._rng.standard_normal((n, n)) if size else np.zeros((n, n))
            for size in (recurrent, inputs)
        )
        return w, v, mean + bias * self._rng.standard_normal(n)


def _sizes(cell: Cell, name: str) -> tuple[float, float, float, float]:
    """sigma_w, sigma_v and sigma_b of a gate, and the mean of its biases."""
    n: Mapping[str, float] = cell.numbers
    if name == "z":  # the encoded input
        return 0.0, 1.0, 0.0, 0.0
    own = {"u": n.get("sigma_u", n["sigma_w"]), "r": n.get("sigma_r", n["sigma_w"])}.get(name, n["sigma_w"])
    mean = n.get(f"mu_{name}", n.get("mu", 0.0))
    return own, n["sigma_v"], n["sigma_b"], mean


def _one(
    kind: str, cell: Cell, theory: Recurrent, units: int, times: int, tied: bool, rng: np.random.Generator
) -> tuple[float, float, float]:
    """E[h^2], the correlation and the growth of tangents, of one cell."""
    field = _Matrices(kind, cell, units, tied, rng)
    c = 0.0 if isnan(theory.c_star) else theory.c_star
    variances = (theory.hidden, theory.q) if kind == "lstm" else (theory.hidden,)
    state = tuple(_begun(variance, c, units, rng) for variance in variances)
    squares, products, growth = [], [], []
    for _ in range(times):
        field.step()
        state = STEPS[kind](field, state)
        h, size = state[0].real, np.sqrt(sum(float((part[0].imag ** 2).sum()) for part in state))
        squares.append((h * h).mean(axis=1))
        products.append((h[0] * h[1]).mean())
        growth.append(2.0 * np.log(size / _TANGENT) if size > 0.0 else -np.inf)
        state = tuple(_renewed(part, size) for part in state)
    half = times // 2
    q = np.mean(squares[half:], axis=0)
    together = float(np.mean(products[half:]) / np.sqrt(q[0] * q[1])) if q.all() else 1.0
    return float(q.mean()), together, float(np.exp(np.mean(growth[half:])))


def _begun(variance: float, c: float, units: int, rng: np.random.Generator) -> Numbers:
    """Two states of a correlation, and a tangent of the first of length 1."""
    one, two, tangent = rng.standard_normal((3, units))
    state = variance**0.5 * np.array([one, c * one + (1.0 - c * c) ** 0.5 * two]) + 0j
    state[0] += 1j * _TANGENT * tangent / np.linalg.norm(tangent)
    return state


def _renewed(part: Numbers, size: float) -> Numbers:
    """With tangents of length 1 again, all parts of the state together."""
    found = part.real.astype(complex)
    if size > 0.0:
        found[0] += 1j * part[0].imag * (_TANGENT / size)
    return found
