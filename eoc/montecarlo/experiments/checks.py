r"""All that is checked of theory at one point: by Gaussian pairs, gradients, and experiments with random networks.

Maps are averages over Gaussian pairs. Nothing is shared with the quadrature of :mod:`eoc.gaussian` but phi and phi'.
Averages over (z, z') and (-z, -z') count as one sample (antithetic). F' is measured without phi'', by integration by
parts:

.. math:: F'(q) = \frac{\sigma_w^2}{2 q} E[\phi(\sqrt q Z)^2 (Z^2 - 1)].

Gradients are sent back through networks with real weight matrices. In a layer |g|^2 is multiplied by
sigma_w^2 mean(phi'(h)^2), on average over the matrix that is not tied to h. So

.. math:: E \frac{|g_{l-1}|^2}{|g_l|^2} = \chi(\tilde q_{l-1}) + O(1/N).

Of the terms of order 1/N, those by fluctuations of q are estimated with length theory, chi' times the mean shift and
chi''/2 times Var K; the tie, by which W maps x to h and back, by 2 chi/N.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from eoc.activations.base import Smoothness
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian.moments import Estimate, moments
from eoc.gaussian.quartic import fourth_moments
from eoc.maps import CorrelationMap, VarianceMap
from eoc.montecarlo.experiments.comparison import Comparison
from eoc.montecarlo.experiments.correlations import correlation_process
from eoc.montecarlo.experiments.gaussianity import gaussianity
from eoc.montecarlo.experiments.lengths import length_process
from eoc.montecarlo.running.statistics import Moments
from eoc.montecarlo.samples import explicit_networks
from eoc.montecarlo.sampling.inputs import hypercube
from eoc.montecarlo.settings import generator
from eoc.montecarlo.theory.expectations import derivatives
from eoc.montecarlo.theory.lengths import length_theory
from eoc.phase import phase_of

__all__ = ["check_tails", "correlation_map_checks", "gradient_checks", "groups_of", "variance_map_checks"]

Samples = Callable[[FloatArray, FloatArray], FloatArray]
T = TypeVar("T")

_BLOCK = 2**16  # pairs
_BLOCKS = 128
_WIDTH, _DEPTH, _NETWORKS = 512, 8, 96  # with weight matrices
_HEAVY = 30.0  # variance of phi^2 over the square of its mean: beyond, averages are not Gaussian
_AROUND = (0.5, 1.0, 2.0)  # times q
_CORRELATIONS = (-0.5, 0.5, 0.99)
_C0 = 0.1
_TELLING = 0.2  # of a number: what theory may be off for a comparison to say anything
_LAYERS = (2, 4, 8)  # that are shown of narrow networks


@dataclass(frozen=True)
class _Size:
    width: int
    depth: int
    networks: int


_WIDE = _Size(100_000, 10, 24)
_NARROW = _Size(1000, 8, 6000)
_KURTOSIS = _Size(300, 8, 20_000)
_PAIRS = _Size(100_000, 60, 32)


def variance_map_checks(variance: VarianceMap, q: float, seed: int) -> tuple[Comparison, ...]:
    """E[phi^2], E[phi'^2] and F' at a variance.

    Raises
    ------
    EocError
        Where tails are so heavy that sampling says nothing.
    """
    phi, root, weight = variance.activation, np.sqrt(q), variance.sigma_w**2
    check_tails(variance, q)
    smooth = phi.smoothness is not Smoothness.JUMP
    two = moments(phi, q, ("V", "D") if smooth else ("V",))
    found = [
        ("E phi^2", two["V"], lambda z, _: phi.phi(root * z) ** 2),
        ("F'", variance.slope(q), lambda z, _: weight / (2.0 * q) * phi.phi(root * z) ** 2 * (z * z - 1.0)),
    ]
    if smooth:
        found.insert(1, ("E phi'^2", two["D"], lambda z, _: phi.dphi(root * z) ** 2))
    measured = _averages([sample for _, _, sample in found], seed)
    return tuple(
        _compared(f"{name} at q = {q:.4g}", theory, seen)
        for (name, theory, _), seen in zip(found, measured, strict=True)
    )


def correlation_map_checks(variance: VarianceMap, q: float, c: float, seed: int) -> tuple[Comparison, ...]:
    """1 - f(c) at a variance, from E[(phi(u) - phi(v))^2]; EocError where tails are too heavy."""
    check_tails(variance, q)
    phi = variance.activation
    f = CorrelationMap(phi, variance.sigma_w, variance.sigma_b, q)
    near, far = np.sqrt(0.5 * q * (1.0 + c)), np.sqrt(0.5 * q * (1.0 - c))
    scale = 0.5 * variance.sigma_w**2 / f.next_q

    def distance(s: FloatArray, t: FloatArray) -> FloatArray:
        return np.asarray(scale * (phi.phi(near * s + far * t) - phi.phi(near * s - far * t)) ** 2)

    (seen,) = _averages([distance], seed)
    return (_compared(f"1 - f({c:g}) at q = {q:.4g}", f.one_minus_f(c), seen),)


def check_tails(variance: VarianceMap, q: float) -> None:
    """EocError where phi^2 has no variance, or one so large that averages are made by few samples."""
    phi = variance.activation
    v = float(moments(phi, q, ("V",))["V"].value)
    spread = float(fourth_moments(phi, np.array([q]), ("Var phi^2",))["Var phi^2"].value[0])
    if spread > _HEAVY * v**2:
        raise EocError(f"tails of phi^2 at q = {q:.4g} are so heavy that plain sampling says nothing")


def _averages(samples: list[Samples], seed: int) -> list[Moments]:
    totals: list[Moments] | None = None
    for s, t in _pairs(seed):
        new = [Moments.of(0.5 * (sample(s, t) + sample(-s, -t))) for sample in samples]
        totals = new if totals is None else [one.merged(more) for one, more in zip(totals, new, strict=True)]
    assert totals is not None  # there are blocks
    return totals


def _pairs(seed: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    rng = generator(seed)
    for _ in range(_BLOCKS):
        yield rng.standard_normal(_BLOCK), rng.standard_normal(_BLOCK)


def _compared(quantity: str, theory: Estimate, seen: Moments) -> Comparison:
    value, error = float(theory.value), float(theory.error)
    rounding = 1e-14 * abs(value)
    return Comparison(quantity, None, value, float(seen.mean), float(seen.standard_error), error + rounding)


def gradient_checks(variance: VarianceMap, q: float, seed: int) -> tuple[Comparison, ...]:
    """By what a layer multiplies |g|^2 in networks that start at the variance q, on average over their layers."""
    phi, w, b = variance.activation, variance.sigma_w, variance.sigma_b
    if phi.smoothness is Smoothness.JUMP:
        raise EocError(f"{phi.name} jumps: its gradients vanish or are infinite, and chi_1 is infinite")
    theory = length_theory(phi, w, b, q=q, widths=[_WIDTH] * _DEPTH)
    inner = theory.q.value[:-1]
    chi = variance.chi_1(inner)
    first, second = derivatives(lambda x: w**2 * moments(phi, x, ("D",))["D"].value, inner)
    if phi.is_positively_homogeneous:
        first, second = np.zeros(inner.size), np.zeros(inner.size)
    shift = np.abs(theory.shift.value[:-1]) + theory.shift_truncation[:-1]
    spread = theory.variance.value[:-1] + theory.variance_truncation[:-1]
    lost = 2.0 * chi.value / _WIDTH + np.abs(first) * shift + 0.5 * np.abs(second) * spread + chi.error
    inputs = np.sqrt(max(q - b**2, 0.0)) / w * hypercube(1, _WIDTH, seed)
    run = explicit_networks(
        phi, w, b, inputs=inputs, width=_WIDTH, depth=_DEPTH, seed=seed, networks=_NETWORKS, backward=True
    )
    assert run.log_gradient is not None  # it was asked for
    ratios = np.exp(-np.diff(run.log_gradient[:, :, 0], axis=1)).mean(axis=1)
    error = float(ratios.std(ddof=1) / np.sqrt(_NETWORKS))
    name = "chi_1 by gradients"
    return (Comparison(name, None, float(chi.value.mean()), float(ratios.mean()), error, float(lost.mean())),)


def groups_of(variance: VarianceMap, q: float, workers: int) -> list[tuple[str, Callable[..., tuple[Comparison, ...]]]]:
    """The kinds of checks at a variance of the first layer, each with a function of the seed."""
    maps = [("map", partial(variance_map_checks, variance, share * q)) for share in _AROUND]
    maps += [("map", partial(correlation_map_checks, variance, q, c)) for c in _CORRELATIONS]
    sampled = [("length", _wide), ("length", _narrow), ("kurtosis", _kurtosis), ("correlation", _correlations)]
    networks = [(kind, partial(check, variance, q, workers)) for kind, check in sampled]
    return [*maps, ("gradient", partial(gradient_checks, variance, q)), *networks]


def _wide(variance: VarianceMap, q: float, workers: int, seed: int) -> tuple[Comparison, ...]:
    """Of q in the last layer of wide networks."""
    run = _run(length_process, variance, _WIDE, q=q, workers=workers, seed=seed)
    (one,) = (one for one in run.comparisons if one.layer == _WIDE.depth and one.quantity.startswith("mean"))
    q = float(run.theory.q.value[-1])
    name = f"q_l of {_WIDE.width} units"
    return (Comparison(name, one.layer, q + one.theory, q + one.measured, one.standard_error, one.truncation),)


def _narrow(variance: VarianceMap, q: float, workers: int, seed: int) -> tuple[Comparison, ...]:
    """Mean and rms of q_l - q~_l, in layers where theory knows the rms."""
    run = _run(length_process, variance, _NARROW, q=q, workers=workers, seed=seed)
    found = [one for one in run.comparisons if one.layer in _LAYERS]
    known = {one.layer for one in found if "rms" in one.quantity and _is_telling(one)}
    return _some(one for one in found if one.layer in known)


def _run(experiment: Callable[..., T], variance: VarianceMap, size: _Size, **given: Any) -> T:
    """An experiment with networks of some size."""
    return experiment(variance.activation, variance.sigma_w, variance.sigma_b, **vars(size), **given)


def _kurtosis(variance: VarianceMap, q: float, workers: int, seed: int) -> tuple[Comparison, ...]:
    run = _run(gaussianity, variance, _KURTOSIS, q=q, workers=workers, seed=seed)
    return _some(one for one in run.comparisons if one.layer in _LAYERS and _is_telling(one))


def _correlations(variance: VarianceMap, q: float, workers: int, seed: int) -> tuple[Comparison, ...]:
    """Mean and spread in the last layer, and what was read off networks: where that is not asymptotic, its fit."""
    v, least = variance, 2.0 * variance.sigma_b**2 / q - 1.0  # correlation by the biases, which inputs share
    check_tails(v, q)
    if not v.is_identity and phase_of(v.activation, v.sigma_w, v.sigma_b, q).phase == "divergent":
        raise EocError("variances diverge, so that correlations come to nothing that theory knows")
    c = _C0 if least < _C0 else 0.5 * (1.0 + least)
    run = _run(correlation_process, variance, _PAIRS, q=q, c=c, workers=workers, seed=seed)
    of = {one.quantity: one for one in run.comparisons}  # in the last layer of each
    same = {read.quantity: of[f"{read.quantity}, same fit"] for read in run.reads}
    fits = [(of.get(name, fit), fit) for name, fit in same.items()]
    layers = [one for one in of.values() if one.layer is not None and (one.theory <= 0.0 or _is_telling(one))]
    return _some([*layers, *(direct if _is_telling(direct) else fit for direct, fit in fits)])


def _is_telling(one: Comparison) -> bool:
    """Whether theory is known, and the error of what was measured too: not where it is made by a few networks."""
    known = one.truncation <= _TELLING * max(abs(one.theory), one.standard_error)
    return known and (one.theory == 0.0 or one.standard_error <= abs(one.theory))


def _some(found: Iterable[Comparison]) -> tuple[Comparison, ...]:
    out = tuple(found)
    if not out:
        raise EocError("what theory leaves out is not small here")
    return out
