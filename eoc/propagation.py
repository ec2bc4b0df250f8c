r"""Variances, correlations and gradients layer by layer, from any inputs.

For inputs a, b whose pre-activations have variances q_a, q_b and correlation c, the next layer has

.. math:: q_a' = F(q_a), \qquad
          1 - c' = \frac{\sigma_w^2 G_{ab} - (\sqrt{q_a'} - \sqrt{q_b'})^2 / 2}{\sqrt{q_a' q_b'}}, \qquad
          G_{ab} = \tfrac12 E[(\phi(u) - \phi(v))^2],

which loses no digits where inputs are close. Backwards, the second moment of the gradient is multiplied by
chi(q_a) = sigma_w^2 E[phi'^2] in each layer (Schoenholz et al. 2017). Once every variance has reached its fixed point
the correlation map takes over (:meth:`eoc.CorrelationMap.iterate`), and any depth costs the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.gaussian.angle import angle_of
from eoc.gaussian.bivariate import bivariate
from eoc.maps import CorrelationMap, VarianceMap

__all__ = ["Trajectory", "propagate", "propagate_gram"]

FloatArray = NDArray[np.float64]

Progress = Callable[[float, float], None]

_EPS = float(np.finfo(float).eps)
_Q_LIMIT = 1e100
_SINGLE = 100_000  # layers followed one by one while variances are still on their way
_ALL = 1000  # depths up to which every layer is kept
_KEPT = 200  # about as many layers are kept of deeper networks
_SETTLED = 8.0 * _EPS  # relative distance from the fixed point at which a variance counts as arrived


@dataclass(frozen=True)
class Trajectory:
    """What becomes of P inputs in a deep network.

    Attributes
    ----------
    activation, sigma_w, sigma_b
        The network.
    layers : (L,)
        Which layers are recorded, increasing; 0 is the first one, whose pre-activations were given.
    q, q_error : (L, P)
        Variances and bounds on their errors.
    one_minus_c, error : (L, P, P)
        1 - c of every pair and bounds on the errors.
    chi : (L, P)
        sigma_w^2 E[phi'^2] at these variances.
    log_gradient : (L, P)
        Natural logarithm of the second moment of the gradient with respect to the pre-activations of a layer, over that
        of the last layer: the sum of log(chi) of the layers between.

    Examples
    --------
    >>> run = propagate("tanh", 2.5, 0.3, q=1.0, c=0.9, depth=50)  # chaotic
    >>> run.c[[0, 1, 50], 0, 1].round(6).tolist()
    [0.9, 0.88967, 0.122225]
    """

    activation: str
    sigma_w: float
    sigma_b: float
    layers: FloatArray
    q: FloatArray
    q_error: FloatArray
    one_minus_c: FloatArray
    error: FloatArray
    chi: FloatArray
    log_gradient: FloatArray

    @property
    def gradient(self) -> FloatArray:
        """exp(log_gradient), (L, P); infinite where that overflows."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_gradient))

    @property
    def c(self) -> FloatArray:
        """Correlations, (L, P, P)."""
        return 1.0 - self.one_minus_c

    def save(self, path: str | Path) -> None:
        """Write to ``path``: ``.npz`` (everything; read it with :meth:`load`) or ``.csv`` (a row for each layer).

        Raises
        ------
        EocError
            For another ending.
        """
        path = Path(path)
        if path.suffix == ".npz":
            np.savez(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})
        elif path.suffix == ".csv":
            names, columns = self._table()
            np.savetxt(path, columns, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
        else:
            raise EocError(f"a trajectory is saved as .npz or .csv, got {str(path)!r}")

    @classmethod
    def load(cls, path: str | Path) -> Trajectory:
        """What :meth:`save` wrote as ``.npz``."""
        with np.load(path, allow_pickle=False) as stored:
            values = {name: stored[name] for name in cls.__dataclass_fields__}
        values["activation"] = str(values["activation"])
        values |= {name: float(values[name]) for name in ("sigma_w", "sigma_b")}
        return cls(**values)

    def _table(self) -> tuple[list[str], FloatArray]:
        inputs = range(self.q.shape[1])
        pairs = list(combinations(inputs, 2))
        columns = {"layer": self.layers}
        columns |= {f"q_{a}": self.q[:, a] for a in inputs}
        columns |= {f"chi_{a}": self.chi[:, a] for a in inputs}
        columns |= {f"log_gradient_{a}": self.log_gradient[:, a] for a in inputs}
        columns |= {f"one_minus_c_{a}_{b}": self.one_minus_c[:, a, b] for a, b in pairs}
        columns |= {f"error_{a}_{b}": self.error[:, a, b] for a, b in pairs}
        return list(columns), np.column_stack(list(columns.values()))


def propagate(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    q: ArrayLike | None = None,
    c: ArrayLike | None = None,
    one_minus_c: ArrayLike | None = None,
    depth: float,
    progress: Progress | None = None,
) -> Trajectory:
    """Follow inputs through ``depth`` layers.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0.
    q
        Variances of the first layer's pre-activations, > 0: (P,), or one number for all. Left out: the variance that
        layers keep.
    c, one_minus_c
        Exactly one of: correlations in [-1, 1], or 1 minus them. A number for two inputs (or for all pairs), or a
        symmetric matrix (P, P).
    depth
        A whole number >= 0; at most 100 000 while variances are on their way, any once they have arrived.
    progress
        Called with the layer reached and ``depth`` after every layer that is followed singly.

    Returns
    -------
    Trajectory
        All layers up to a depth of 1000, about 200 of them evenly on a log scale beyond.

    Raises
    ------
    EocError
        For inputs that make no sense, or variances that diverge.

    Examples
    --------
    >>> run = propagate("relu", 2**0.5, q=[1.0, 4.0], c=0.0, depth=1000)
    >>> run.q[-1].round(6).tolist(), (run.one_minus_c[-1, 0, 1] * 1000**2).round(3).item()
    ([1.0, 4.0], 43.13)
    """
    variance = VarianceMap(activation, sigma_w, sigma_b)
    given = variance.kept if q is None else q
    if q is None and given == 0.0:
        raise EocError(f"layers of {variance!r} keep no variance but 0: give q, the variances of the inputs")
    at = angle_of(c, one_minus_c=one_minus_c)
    first, e = _checked_inputs(given, at.e)
    layers = _recorded(depth)
    return _followed(variance, first, e, layers, progress)


def propagate_gram(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    gram: ArrayLike,
    depth: float,
    progress: Progress | None = None,
) -> Trajectory:
    """Follow inputs that are given by the covariances of their first pre-activations, (P, P).

    For input vectors x_a of dimension n the first layer has the covariance sigma_w^2 x_a . x_b / n + sigma_b^2. The
    other arguments are those of :func:`propagate`.

    Examples
    --------
    >>> run = propagate_gram("erf", 1.5, 0.2, gram=[[1.0, 0.5], [0.5, 2.0]], depth=3)
    >>> run.q.shape, run.one_minus_c.shape
    ((4, 2), (4, 2, 2))
    """
    covariance = np.asarray(gram, dtype=float)
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or not np.isfinite(covariance).all():
        raise EocError(f"a Gram matrix is square and finite, got shape {covariance.shape}")
    q = np.diag(covariance)
    if not (q > 0.0).all():
        raise EocError(f"the diagonal of a Gram matrix holds variances > 0, got {q.min():g}")
    scale = np.sqrt(np.outer(q, q))
    # (q_a + q_b)/2 - K is exact where K is close to both, unlike 1 - K / sqrt(q_a q_b)
    half = 0.5 * np.add.outer(q, q) - covariance - 0.5 * np.subtract.outer(np.sqrt(q), np.sqrt(q)) ** 2
    return propagate(
        activation, sigma_w, sigma_b, q=q, one_minus_c=_rounded(half / scale), depth=depth, progress=progress
    )


def _rounded(e: FloatArray) -> FloatArray:
    """1 - c with what rounding put outside [0, 2] put back."""
    if e.min() < -4.0 * _EPS or e.max() > 2.0 + 4.0 * _EPS:
        raise EocError("the Gram matrix is not positive semidefinite: a correlation lies outside [-1, 1]")
    return np.clip(e, 0.0, 2.0)


def _checked_inputs(q: ArrayLike, e: FloatArray) -> tuple[FloatArray, FloatArray]:
    variances = np.asarray(q, dtype=float)
    count = max(variances.size, e.shape[0] if e.ndim else 2)
    if e.ndim not in (0, 2) or (e.ndim == 2 and e.shape != (count, count)):
        raise EocError(f"correlations are one number or a matrix ({count}, {count}), got shape {e.shape}")
    if variances.ndim > 1 or variances.size not in (1, count):
        raise EocError(f"variances are one number or an array ({count},), got shape {variances.shape}")
    variances = np.broadcast_to(variances.reshape(-1), (count,)).copy()
    if not ((variances > 0.0) & np.isfinite(variances)).all():
        raise EocError(f"the variances of inputs must be > 0, got {variances.min():g}")
    matrix = np.where(np.eye(count, dtype=bool), 0.0, e) if e.ndim == 0 else e
    if not (matrix == matrix.T).all() or np.diag(matrix).any():
        raise EocError("correlations must form a symmetric matrix with ones on its diagonal")
    return variances, np.asarray(matrix, dtype=float)


def _recorded(depth: float) -> FloatArray:
    if not (depth >= 0.0 and np.isfinite(depth) and depth == np.floor(depth)):
        raise EocError(f"depth is a whole number of layers >= 0, got {depth!r}")
    if depth <= _ALL:
        return np.arange(depth + 1.0)
    return np.unique(np.append(0.0, np.round(np.geomspace(1.0, depth, _KEPT))))


@dataclass
class _State:
    """Variances and 1 - c after ``layer`` layers with bounds on their errors, and the sum of log(chi) so far."""

    layer: float
    q: FloatArray
    q_error: FloatArray
    e: FloatArray
    error: FloatArray
    log_gradient: FloatArray


def _followed(
    variance: VarianceMap, q: FloatArray, e: FloatArray, layers: FloatArray, progress: Progress | None
) -> Trajectory:
    state = _State(0.0, q, np.zeros(q.shape), e, np.zeros(e.shape), np.zeros(q.shape))
    records: list[_State] = []
    for layer in layers:
        while state.layer < layer and not _arrived(variance, state):
            if state.layer >= _SINGLE:
                raise EocError(f"variances are still on their way after {_SINGLE} layers; ask for a smaller depth")
            state = _next(variance, state)
            if progress is not None:
                progress(state.layer, layers[-1])
        if state.layer < layer:
            break
        records.append(state)
    records += _jumps(variance, state, layers[len(records) :], progress)
    return _assembled(variance, records)


def _arrived(variance: VarianceMap, state: _State) -> bool:
    """Whether every variance is at a fixed point; then it is put exactly there."""
    if variance.is_identity:
        return True
    ends = np.array([[p.q, p.q_error] for p in variance.fixed_points if np.isfinite(p.q) and p.q > 0.0]).reshape(-1, 2)
    if ends.size == 0:
        return False
    distance = np.abs(state.q[:, None] - ends[:, 0])
    close = distance <= ends[:, 1] + _SETTLED * ends[:, 0]
    if not close.any(axis=1).all():
        return False
    nearest = close.argmax(axis=1)
    state.q, state.q_error = ends[nearest, 0], ends[nearest, 1]
    return True


def _next(variance: VarianceMap, s: _State) -> _State:
    """One layer further."""
    new, slope = variance.F(s.q), variance.slope(s.q)
    if not (new.value < _Q_LIMIT).all():
        raise EocError(f"the variance exceeds {_Q_LIMIT:g} after {s.layer + 1:.0f} layers: it diverges")
    if not (new.value > 0.0).all():
        raise EocError(f"the variance is 0 after {s.layer + 1:.0f} layers: nothing is left to follow")
    chi = variance.chi_1(s.q)
    e, error = np.zeros(s.e.shape), np.zeros(s.e.shape)
    for a, b in combinations(range(s.q.size), 2):
        e[a, b], error[a, b] = _next_pair(variance, s, new.value, new.error, a, b)
    return _State(
        s.layer + 1.0,
        new.value,
        np.abs(slope.value) * s.q_error + new.error,
        e + e.T,
        error + error.T,
        s.log_gradient + np.log(chi.value),
    )


def _next_pair(
    variance: VarianceMap, s: _State, new: FloatArray, new_error: FloatArray, a: int, b: int
) -> tuple[float, float]:
    """1 - c of a pair after a layer, and a bound on its error."""
    weight, e = variance.sigma_w**2, s.e[a, b]
    g = bivariate(variance.activation, s.q[a], None, ("G",), q_b=s.q[b], one_minus_c=e)["G"]
    scale = float(np.sqrt(new[a] * new[b]))
    roots = np.sqrt(new[a]) + np.sqrt(new[b])
    apart = (new[a] - new[b]) / roots
    apart_error = (new_error[a] + new_error[b]) / roots if s.q[a] != s.q[b] else 0.0
    value = (weight * float(g.value) - 0.5 * apart**2) / scale
    fresh = weight * float(g.error) + abs(apart) * apart_error + 4.0 * _EPS * (weight * float(g.value) + apart**2)
    relative = s.q_error[a] / s.q[a] + s.q_error[b] / s.q[b] + new_error[a] / new[a] + new_error[b] / new[b]
    value = min(max(value, 0.0), 2.0)
    # f is convex: its slope is at most that of the chord to c = 1
    carried = s.error[a, b] * (value / e if e > 0.0 else 1.0)
    return value, float(carried + fresh / scale + relative * value)


def _jumps(variance: VarianceMap, s: _State, layers: FloatArray, progress: Progress | None) -> list[_State]:
    """The remaining layers, where every variance stays as it is."""
    if layers.size == 0:
        return []
    if not variance.is_identity and np.ptp(s.q) > 0.0:
        return _different_ends(variance, s, layers, progress)
    f = CorrelationMap(variance.activation, variance.sigma_w, variance.sigma_b, float(s.q[0]))
    further = layers - s.layer
    e, error = np.zeros((layers.size, *s.e.shape)), np.zeros((layers.size, *s.e.shape))
    for a, b in combinations(range(s.q.size), 2):
        start = s.e[a, b]
        found = f.iterate(further, one_minus_c=start)
        carried = s.error[a, b] * found.value / start if start > 0.0 else s.error[a, b]
        e[:, a, b] = e[:, b, a] = found.value
        error[:, a, b] = error[:, b, a] = found.error + carried
    log_chi = np.log(f.chi_1)
    return [
        _State(layer, s.q, s.q_error, e[i], error[i], s.log_gradient + further[i] * log_chi)
        for i, layer in enumerate(layers)
    ]


def _different_ends(variance: VarianceMap, s: _State, layers: FloatArray, progress: Progress | None) -> list[_State]:
    """Inputs that settle at different variances: layer by layer to the end."""
    if layers[-1] - s.layer > _SINGLE:
        raise EocError(f"inputs settle at different variances {s.q.tolist()}: depth can be at most {_SINGLE}")
    records = []
    for layer in layers:
        while s.layer < layer:
            s = _next(variance, s)
            if progress is not None:
                progress(s.layer, layers[-1])
        records.append(s)
    return records


def _assembled(variance: VarianceMap, records: list[_State]) -> Trajectory:
    q = np.stack([r.q for r in records])
    logs = np.stack([r.log_gradient for r in records])
    with np.errstate(invalid="ignore"):
        log_gradient = logs[-1] - logs
    log_gradient[np.isnan(log_gradient)] = np.inf  # phi jumps
    log_gradient[-1] = 0.0
    return Trajectory(
        activation=variance.activation.name,
        sigma_w=variance.sigma_w,
        sigma_b=variance.sigma_b,
        layers=np.array([r.layer for r in records]),
        q=q,
        q_error=np.stack([r.q_error for r in records]),
        one_minus_c=np.stack([r.e for r in records]),
        error=np.stack([r.error for r in records]),
        chi=variance.chi_1(q).value,
        log_gradient=log_gradient,
    )
