"""What becomes of signals and gradients from the usual initialisations, beside the recommended one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, nan
from typing import Any

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality.recommended import checked_depth
from eoc.errors import EocError
from eoc.layers import one_activation as resolve
from eoc.maps import VarianceMap
from eoc.phase import phase_of
from eoc.propagation import Progress, Trajectory, propagate
from eoc.recommendation import APART, C0, KEPT, Recommendation, recommend
from eoc.usual import Usual, usual
from eoc.validation import real_number

__all__ = ["Comparison", "Start", "compare"]

_WIDTH = 256
_WIDEST = 10**9
_DEEPEST = 20_000  # layers that are followed one by one while variances are on their way
_LEAST, _MOST = 1e-200, 1e99  # variances beyond are not followed
_MOST_STEEP = 40.0  # nor those beyond this one where phi grows exponentially
_SETTLED = 1e-15
_GONE = 1e-4  # of what went in: signals that have died out; the inverse: that explode
_MUCH = 1e4  # gradients that grow or shrink more explode or vanish
TRAINS = "trains"


@dataclass(frozen=True)
class Start:
    """One initialisation, and what it makes of a network.

    Attributes
    ----------
    name, drawn
        What it is called ("eoc" is the recommended one), and how it is drawn.
    sigma_w, sigma_b, gain
        Standard deviations of the weights (times sqrt(fan_in)) and of the biases; how sigma_w is written as a gain.
    q
        Variance of the pre-activations of the last layer; 0 or inf where that underflows or overflows.
    chi_1
        By how much the last layer multiplies the second moment of gradients; NaN where q has overflown.
    log_gradient_ratio
        Natural logarithm of the second moment of the gradient at the first layer over that at the last one; NaN where
        signals are lost before.
    one_minus_c
        1 - c of the two inputs at the last layer; NaN where signals are lost before.
    alike_after
        The layers after which 1 - c is below 0.1, where the inputs look alike; None if they do not.
    lost_after
        The layers after which the variance leaves double precision; None if it does not.
    phase
        "ordered", "chaotic", "critical" or "divergent", where these inputs end.
    trains
        Whether such networks train as they are: by the rule of :func:`eoc.recommend`, and signals neither die out nor
        explode.
    word
        What happens, in a few words.
    run
        Layer by layer, as far as the variance can be followed; 0 is where the inputs start. None if nowhere.
    """

    name: str
    drawn: str
    sigma_w: float
    sigma_b: float
    gain: str
    q: float
    chi_1: float
    log_gradient_ratio: float
    one_minus_c: float
    alike_after: int | None
    lost_after: int | None
    phase: str
    trains: bool
    word: str
    run: Trajectory | None

    @property
    def gradient_ratio(self) -> float:
        """exp(log_gradient_ratio); 0 or inf where that underflows or overflows."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.exp(self.log_gradient_ratio))

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; of the layers variances of the first input, and how far the second is."""
        own, run = {name: value for name, value in vars(self).items() if name != "run"}, self.run
        layers = (
            {} if run is None else {"layers": run.layers, "q": run.q[:, 0], "one_minus_c": run.one_minus_c[:, 0, 1]}
        )
        return own | {"gradient_ratio": self.gradient_ratio, "by_layer": layers}


@dataclass(frozen=True)
class Comparison:
    """Usual initialisations beside the recommended one.

    Attributes
    ----------
    activation, depth, width
        The networks: ``depth`` layers, each with ``width`` inputs and outputs.
    rows
        One for each, the recommended one ("eoc") last.
    recommendation
        The recommended place; None where there is none.
    answer, advice
        What comes out of it, and what to do next, each a sentence.
    """

    activation: str
    depth: int
    width: int
    rows: tuple[Start, ...]
    recommendation: Recommendation | None
    answer: str
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; the recommended place is a row."""
        own = {name: value for name, value in vars(self).items() if name != "recommendation"}
        return own | {"rows": [row.to_dict() for row in self.rows]}


def compare(
    activation: object,
    with_: str | Iterable[str] = "all",
    *,
    depth: float | None = None,
    width: int = _WIDTH,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the usual initialisations, as frameworks really draw them, with the recommended one.

    Two inputs of variance 1 and correlation 0.3 are followed through the layers, as by
    ``eoc.propagate(activation, sigma_w, sigma_b, q=1, c=0.3, depth=depth)``. From the recommended place they start with
    its variance q, to which the initialisers of eoc scale the first layer.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands.
    with_
        Some of "kaiming" (He: the gain of ReLU, or of a leaky one), "xavier" (with PyTorch's ``calculate_gain``, 1
        where it has none), "lecun" (the default of Flax), "torch" (that of ``torch.nn.Linear``), "keras" (that of
        Keras), as a list or separated by commas; "all".
    depth
        Layers of the network, from 1 to 20 000. None: as for :func:`eoc.recommend`.
    width
        fan_in and fan_out of the layers, on which PyTorch's biases depend.
    progress
        Called with the layers that have been followed and the number of all.

    Returns
    -------
    Comparison
        Numbers are exact to about 1e-14 but for what rounding grows in the chaotic phase.

    Raises
    ------
    EocError
        For an initialisation that is not known, a depth or a width out of range; and as :func:`eoc.activation`.

    Examples
    --------
    >>> found = compare("tanh", "torch, xavier", depth=30)
    >>> for row in found.rows:
    ...     print(row.name, round(row.sigma_w, 4), row.phase, "-", row.word)
    torch 0.5774 ordered - inputs look alike after 7 layers
    xavier 1.6667 chaotic - gradients grow 264-fold
    eoc 1.0754 critical - trains
    """
    phi, layers = resolve(activation), checked_depth(depth)
    if layers > _DEEPEST:
        raise EocError(f"depth must be a whole number of layers from 1 to {_DEEPEST}, got {depth!r}")
    known = usual(with_, phi, _checked_width(width))
    steps = [_share(progress, i, len(known) + 1, layers) for i in range(len(known) + 1)]
    rows = [_start(phi, each, 1.0, layers, step) for each, step in zip(known, steps, strict=False)]
    try:
        place, reason = recommend(phi, layers), ""
    except EocError as error:
        place, reason = None, str(error)
    if place is not None:
        ours = Usual("eoc", "recommended by eoc", place.sigma_w, place.sigma_b, f"{place.sigma_w:.6g}")
        row = _start(phi, ours, place.q, layers, steps[-1])
        rows.append(row if place.point is None else replace(row, phase="critical"))
    return Comparison(
        phi.name, layers, int(width), tuple(rows), place, _answer(phi, rows, layers), _advice(place, reason)
    )


def _checked_width(width: int) -> int:
    wide = real_number("width", width)
    if not (1.0 <= wide <= _WIDEST and wide == int(wide)):
        raise EocError(f"width must be a whole number from 1 to {_WIDEST}, the inputs of a layer; got {width!r}")
    return int(wide)


def _share(progress: Progress | None, i: int, parts: int, depth: int) -> Progress | None:
    """What the i-th of equal parts calls."""
    return None if progress is None else lambda layer, _: progress(i * depth + layer, float(parts * depth))


def _start(phi: Activation, how: Usual, q: float, depth: int, progress: Progress | None) -> Start:
    """What a network of so many layers does to two inputs of variance q."""
    reached, end = _reached(phi, how, q, depth)
    run = _followed(phi, how, q, reached, progress)
    lost = reached < depth or run is None
    apart = np.array([1.0 - C0]) if run is None else run.one_minus_c[:, 0, 1]
    alike = np.flatnonzero(apart < APART)
    found = Start(
        name=how.name,
        drawn=how.drawn,
        sigma_w=how.sigma_w,
        sigma_b=how.sigma_b,
        gain=how.gain,
        q=end,
        chi_1=nan if lost or run is None else float(run.chi[-1, 0]),
        log_gradient_ratio=nan if lost or run is None else float(run.log_gradient[1, 0]),
        one_minus_c=nan if lost else float(apart[-1]),
        alike_after=int(alike[0]) if alike.size else None,
        lost_after=reached + 1 if lost else None,
        phase=_phase(phi, how, q),
        trains=False,
        word="",
        run=run,
    )
    word = _word(found, q)
    return replace(found, word=word, trains=word == TRAINS)


def _reached(phi: Activation, how: Usual, q: float, depth: int) -> tuple[int, float]:
    """The layers in which the variance can be followed, and what it ends at: 0 or inf if these are fewer than depth."""
    variance, most = VarianceMap(phi, how.sigma_w, how.sigma_b), _MOST if phi.growth.kind in _SLOW else _MOST_STEEP
    for layer in range(depth):
        try:
            after = float(variance(q))
        except EocError:  # the second moment is infinite or overflows, or the variance is too small for a number
            return layer, 0.0 if q < _LEAST else inf
        if not 0.0 < after <= most:
            return layer, inf if after > 1.0 else 0.0
        if abs(after - q) <= _SETTLED * q:
            return depth, after
        q = after
    return depth, q


_SLOW = ("bounded", "polynomial")


def _followed(phi: Activation, how: Usual, q: float, depth: int, progress: Progress | None) -> Trajectory | None:
    """Layer by layer; None where phi is too steep at the first one already."""
    try:
        return propagate(phi, how.sigma_w, how.sigma_b, q=q, c=C0, depth=np.arange(depth + 1.0), progress=progress)
    except EocError:
        return None


def _phase(phi: Activation, how: Usual, q: float) -> str:
    try:
        return phase_of(phi, how.sigma_w, how.sigma_b, q).phase
    except EocError:  # an unstable point, from which the smallest change leads elsewhere
        return "unstable"


# --- words -----------------------------------------------------------------------------------------------------------


def _word(found: Start, q: float) -> str:
    """What stops training first."""
    if found.q > q / _GONE:
        return "signals explode" + (f" in layer {found.lost_after}" if found.lost_after else "")
    if found.q < q * _GONE:
        return "signals die out"
    if found.lost_after:
        return f"cannot be followed beyond layer {found.lost_after - 1}"
    if found.alike_after is not None and found.one_minus_c < APART:
        return f"inputs look alike after {_layers(found.alike_after)}"
    return _gradients(found.log_gradient_ratio)


def _gradients(log_ratio: float) -> str:
    """What a network does to gradients whose inputs stay apart."""
    if abs(log_ratio) <= -log(KEPT):
        return TRAINS
    if abs(log_ratio) > log(_MUCH):
        return "gradients explode" if log_ratio > 0.0 else "gradients vanish"
    factor = exp(abs(log_ratio))
    return f"gradients {'grow' if log_ratio > 0.0 else 'shrink'} {factor:.{0 if factor >= 10.0 else 1}f}-fold"


def _layers(n: int) -> str:
    return f"{n} layer" + ("" if n == 1 else "s")


def _answer(phi: Activation, rows: Sequence[Start], depth: int) -> str:
    """Which of them train."""
    good, bad = ([row.name for row in rows if row.trains is kept] for kept in (True, False))
    where = f"{_layers(depth)} of {phi.name}"
    if not good:
        return f"{where}: from none of these will they train as they are"
    if not bad:
        return f"{where}: from all of these they will train"
    only = "only " if len(good) == 1 else ""
    return f"{where}: {only}{_listed(good)} keep{'s' if only else ''} signals, gradients and differences between inputs"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _advice(place: Recommendation | None, reason: str) -> str:
    """What to do next."""
    if place is None:
        return f"eoc has no place to recommend: {reason}"
    return place.advice
