r"""Make an activation trainable at a depth: phi_hat(x) = gamma (phi(alpha x + beta) + delta)."""

from __future__ import annotations

import math

from eoc.activations import Activation
from eoc.activations.base import Smoothness
from eoc.criticality.recommended import checked_depth
from eoc.errors import EocError
from eoc.layers import Network, one_activation, understood
from eoc.shaping.conditions import Conditions, Method
from eoc.shaping.leaky import leaky_for
from eoc.shaping.result import Found, Question, Shaping, described
from eoc.shaping.solutions import STEEP, Solution, places, solutions, steepness
from eoc.shaping.target import bend_of_each
from eoc.shaping.written import shaped
from eoc.validation import real_number

__all__ = ["can_be_shaped", "shape"]

_TOTAL = {"tau": 0.3, "zeta": 1.5, "eta": 0.9}  # of the papers, and of the experiments in benchmarks/
_RANGE = {"tau": (0.0, 10.0), "zeta": (1.0, 10.0), "eta": (0.0, 1.0)}
_MEANING = {"tau": "curvature C''(1)", "zeta": "slope C'(1)", "eta": "correlation C(0)"}
_MUCH = 0.1  # of the bend of one activation
_LIKE = 1e-6  # of numbers that belong to one and the same choice


def shape(
    activation: object,
    depth: float | None = None,
    *,
    method: str | None = None,
    network: object = None,
    tau: float | None = None,
    zeta: float | None = None,
    eta: float | None = None,
) -> Shaping:
    r"""Shape an activation so that a network of a depth keeps variances, gradients, and the distance of inputs.

    TAT ("tailored activation transformation") makes C'(1) = 1 and spends a curvature tau over the depth; DKS ("deep
    kernel shaping") makes C(0) = 0 and spends a slope zeta:

    ======  ===================================================  ==========================
    TAT     Q(1) = Q'(1) = C'(1) = 1, C''(1) of the network tau  twice differentiable phi
    TAT     leaky ReLU with C(0) of the network eta              ReLU, leaky ReLU
    DKS     Q(1) = Q'(1) = 1, C(0) = 0, C'(1) of the network     continuous phi
            zeta
    ======  ===================================================  ==========================

    Parameters
    ----------
    activation
        Whatever :func:`eoc.activation` understands.
    depth
        How many blocks the network has; of a plain network its hidden layers. From 1 to 10^6; 30 where none is given.
    method
        "tat" or "dks". None: TAT, and DKS where phi has kinks that rule TAT out.
    network
        A network of layers that contains the activation, such as "residual(gelu, dense(1), skip=0.8, scale=0.6)"; every
        gelu in it is shaped. A ``dense`` without numbers is drawn with sigma_w = 1 and sigma_b = 0. None: the plain
        one.
    tau, zeta, eta
        What the whole network is to have: tau > 0 (TAT, default 0.3), zeta > 1 (DKS, 1.5), 0 < eta < 1 (TAT of the ReLU
        family, 0.9). Of the network and of its branches alone the greatest one counts.

    Returns
    -------
    Shaping
        The numbers to about 1e-12 relative, with their bounds. Of several solutions the one that is used where phi is
        at least half as steep as at its steepest, with the least alpha; others are listed.

    Raises
    ------
    EocError
        If there is none (phi jumps, is linear, or TAT and phi has kinks; a depth that is too small for what is asked),
        with what to do instead.

    References
    ----------
    Martens et al. (2021), arXiv:2110.01765 (DKS); Zhang, Botev and Martens (2022), arXiv:2203.08120 (TAT).

    Examples
    --------
    >>> gelu = shape("gelu", depth=60)
    >>> round(gelu.alpha, 10), round(gelu.beta, 10), round(gelu.gamma, 10), round(gelu.delta, 10)
    (0.074563323, 0.3269052439, 17.8269469555, -0.2045209983)
    >>> gelu.trains, round(gelu.one_minus_c, 3)
    (True, 0.633)
    >>> relu = shape("relu", depth=50)
    >>> round(relu.negative_slope, 12), round(relu.gamma, 12)
    (0.430522948502, 1.298947786319)
    """
    phi, layers = one_activation(activation), checked_depth(depth)
    block = understood(phi if network is None else network)
    if block.phi is not phi and phi not in block.activations():
        raise EocError(f"{phi.name} does not stand in the network {block.text!r}: write it where it is to be shaped")
    kind = _method(phi, method)
    target, total = _asked(phi, kind, {"tau": tau, "zeta": zeta, "eta": eta})
    asked = Question(phi, block, layers, kind, target, total)
    if target == "eta":
        return described(asked, _leaky(phi, block, layers, total))
    each, error = bend_of_each(block, phi, layers, kind, total)
    found = solutions(phi, _conditions(kind, each), error)
    kept = _kept(found)
    if kept is None:
        raise EocError(_nothing(phi, kind, layers, each))
    new = shaped(phi, kept.alpha, kept.beta, kept.gamma, kept.delta)
    errors = (kept.alpha_error, kept.beta_error, kept.gamma_error, kept.delta_error)
    others = tuple(s for s in found if s is not kept and not _mirrored(s, kept))
    own = each if kind == "tat" else 1.0 + each
    numbers = (kept.alpha, kept.beta, kept.gamma, kept.delta)
    return described(asked, Found(new, numbers, errors, own, others=others))


def can_be_shaped(activation: object, depth: float | None = None) -> bool:
    """Whether :func:`shape` will find something, without finding it: in a tenth of the time.

    Examples
    --------
    >>> [can_be_shaped(name) for name in ("gelu", "relu", "identity", "x^2", "hardtanh", "sign")]
    [True, True, False, False, False, False]
    """
    phi, layers = one_activation(activation), checked_depth(depth)
    if phi.smoothness is Smoothness.JUMP:
        return False
    if phi.is_positively_homogeneous:
        left, right = _sides(phi)
        return abs(left) < right
    kind = _method(phi, None)
    each, _ = bend_of_each(understood(phi), phi, layers, kind, _TOTAL["tau" if kind == "tat" else "zeta"])
    return any(steepness(phi, beta) < STEEP for _, _, beta in places(phi, _conditions(kind, each)))


def _conditions(kind: Method, each: float) -> tuple[Conditions, ...]:
    return tuple(Conditions(kind, each, sign) for sign in ((1.0, -1.0) if kind == "tat" else (1.0,)))


def _method(phi: Activation, method: str | None) -> Method:
    if phi.smoothness is Smoothness.JUMP:
        raise EocError(
            f"{phi.name} jumps, so that close inputs are torn apart in every layer, and no shape keeps them: take "
            "another activation, or train it with a surrogate gradient"
        )
    if method is None:
        return "dks" if phi.smoothness is Smoothness.KINK and not phi.is_positively_homogeneous else "tat"
    if method.lower() == "tat":
        if phi.smoothness is Smoothness.KINK and not phi.is_positively_homogeneous:
            raise EocError(
                f"{phi.name} has kinks, so that C''(1) is infinite, and TAT asks for a finite one: take method 'dks'"
            )
        return "tat"
    if method.lower() == "dks":
        if phi.is_positively_homogeneous:
            raise EocError(
                f"{phi.name} only scales with alpha, which leaves DKS three numbers for four conditions: take 'tat', "
                "which makes it a leaky ReLU"
            )
        return "dks"
    raise EocError(f"method must be 'tat' or 'dks', got {method!r}")


def _asked(phi: Activation, kind: Method, given: dict[str, float | None]) -> tuple[str, float]:
    """Which target it is, and its value."""
    name = "zeta" if kind == "dks" else "eta" if phi.is_positively_homogeneous else "tau"
    wrong = [other for other, value in given.items() if value is not None and other != name]
    if wrong:
        meaning = f"the {_MEANING[name]} of the network"
        raise EocError(f"{kind.upper()} of {phi.name} takes {name} ({meaning}), not {wrong[0]}")
    value = given[name]
    if value is None:
        return name, _TOTAL[name]
    low, high = _RANGE[name]
    number = real_number(name, value)
    if not low < number < high:
        raise EocError(f"{name} must be above {low:g} and below {high:g}, got {number:g}")
    return name, number


def _kept(found: tuple[Solution, ...]) -> Solution | None:
    """The least alpha where phi is steep enough; of two mirror images the one with beta >= 0."""
    steep = [s for s in found if s.steepness < STEEP] or sorted(found, key=lambda s: s.steepness)[:1]
    if not steep:
        return None
    least = min(s.alpha for s in steep)
    alike = [s for s in steep if s.alpha <= least * (1.0 + _LIKE)]
    return min(alike, key=lambda s: (round(abs(s.beta), 6), s.beta < 0.0))


def _mirrored(one: Solution, other: Solution) -> bool:
    """Whether both are the same function but for the sign of x, or for a period of phi."""
    return abs(one.alpha - other.alpha) <= _LIKE * other.alpha and abs(one.gamma - other.gamma) <= _LIKE * other.gamma


def _nothing(phi: Activation, kind: Method, depth: int, each: float) -> str:
    """Why there is no solution, and what to do."""
    other: Method = "dks" if kind == "tat" else "tat"
    ways = [f"ask for less, or for more than {depth} layers"] if each > _MUCH else []
    if (other == "dks" or phi.smoothness is not Smoothness.KINK) and places(phi, _conditions(other, each)):
        ways.append(f"take method {other!r}")
    return (
        f"no (alpha, beta, gamma, delta) was found with which {phi.name} meets the four conditions of {kind.upper()}: "
        f"{', '.join([*ways, 'shape another activation'])}"
    )


def _sides(phi: Activation) -> tuple[float, float]:
    """The slopes of a homogeneous phi left and right of 0."""
    return -float(phi(-1.0)), float(phi(1.0))


def _leaky(phi: Activation, block: Network, depth: int, eta: float) -> Found:
    left, right = _sides(phi)
    if left == right:
        raise EocError(f"{phi.name} is linear: there is nothing to shape, and nothing that a deep network could learn")
    if not abs(left) < right:
        slopes = f"slopes {left:g} and {right:g}"
        raise EocError(f"{phi.name} is no leaky ReLU, {slopes}: TAT shapes those with |left| < right")
    found = leaky_for(block, phi, depth, eta)
    errors = (0.0, 0.0, found.gamma_error, 0.0, found.slope_error)
    from_zero = (1.0 - found.slope) ** 2 / (1.0 + found.slope**2) / math.pi  # of one layer
    return Found(found.activation, (1.0, 0.0, found.gamma, 0.0), errors, from_zero, found.slope)
