"""The tasks "edge_of_chaos", the best point of the edge of chaos with one given quantity, and "curve", many of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.sweeps.task import Output, Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import NETWORK, NO_YES, SIGMA_B, SIGMA_W, Q, always, free_problems, with_errors

if TYPE_CHECKING:
    from eoc.criticality import Curve
    from eoc.layers import Network

__all__ = ["CURVE", "EDGE_OF_CHAOS"]

_LAWS = ("1/l", "1/l^2", "constant", "exponential")  # in this order in data sets
_REASONS = ("found", "homogeneous", "unstable", "no solution", "infinite chi_1")
_REGIMES = ("settles", "forced", "scales", "grows", "diverges")
_STABILITIES = ("stable", "marginal", "unstable")
_SECONDS = 0.005

_QUESTIONS = (
    SIGMA_B.but(default=None),
    Q.but(about="variance that layers keep", above=False, note=""),
    SIGMA_W.but(required=False, above=True, eoc=False),
    Parameter(
        "correlation_depth", "depth after which correlations are forgotten", units="layers", least=0.0, above=True
    ),
)
_NAMES = ", ".join(parameter.name for parameter in _QUESTIONS)
_Q = Output("variance that layers keep", "q")
_SLOPE = Output("F'(q), the factor by which distances from q shrink in a layer", "F'(q)")
_CONSTANT = Output("constant of the law: 1 - c_l ~ constant / l or constant / l^2", r"\beta_q")
_LAW = {
    "depth_scale": Output("depth at which the law comes to 1: correlations are forgotten", r"\beta_q", units="layers"),
    "law": Output("how 1 - c_l falls with depth", flags=_LAWS),
}
_REASON = {"reason": Output("whether there is a usable point, and if not, which kind of none", flags=_REASONS)}
_SIGMAS = {one.name: Output(one.about, one.symbol) for one in (SIGMA_B, SIGMA_W)}
_NUMBERS = {**_SIGMAS, "q": _Q, "slope": _SLOPE, "constant": _CONSTANT}
_OUTPUTS = {
    **with_errors(_NUMBERS),
    **_LAW,
    "stability": Output("of the variance that is kept", flags=_STABILITIES),
    "any_q": Output("whether every variance is kept", flags=NO_YES),
    "points": Output("points that solve the equations, usable or not", kind="whole"),
    "usable_points": Output("points that can be used", kind="whole"),
    **_REASON,
    "regime": Output("what the variance of a network of layers does with depth", flags=_REGIMES),
}


def _not_given(given: Collection[str], outputs: Mapping[str, Output]) -> dict[str, Output]:
    """Those of the outputs that are neither a parameter that is given nor its error."""
    return {name: output for name, output in outputs.items() if name.removesuffix("_error") not in given}


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    from eoc.layers import is_network

    given = [parameter.name for parameter in _QUESTIONS if parameter.name in values]
    for name in given[1:]:
        yield name, f"give at most one of {_NAMES}: {given[0]} is given already"
    yield from free_problems(values)
    if "correlation_depth" in values and any(map(is_network, values.get("activation", ()))):
        yield "correlation_depth", "it is not looked for of networks of layers: give sigma_b, sigma_w or q"


def _edge_of_chaos(point: Point) -> Mapping[str, Any]:
    from eoc.criticality import edge_of_chaos

    question = {parameter.name: point[parameter.name] for parameter in _QUESTIONS if parameter.name in point}
    found = edge_of_chaos(point["activation"], **question)
    outputs = {
        **dict.fromkeys(_OUTPUTS),
        "points": len(found.points),
        "usable_points": sum(one.usable for one in found.points),
        "reason": found.reason or "found",
        "regime": found.regime,
    }
    if found.reason is None:
        best, law = found.best, found.best.law
        outputs |= {name: getattr(best, name) for name in with_errors(_NUMBERS) if hasattr(best, name)}
        outputs |= {"constant": law.constant, "constant_error": law.error, "depth_scale": law.depth, "law": law.law}
        outputs |= {"stability": best.stability, "any_q": best.any_q}
    return outputs


EDGE_OF_CHAOS = Task(
    name="edge_of_chaos",
    about="the best point of the edge of chaos with one given quantity, or the recommended one",
    parameters=(NETWORK.but(networks="same"), *_QUESTIONS),
    outputs=lambda given: _not_given(given, _OUTPUTS),
    run=_edge_of_chaos,
    seconds=always(_SECONDS),
    problems=_problems,
    rule=f"at most one of {_NAMES}; none of them: the recommended point",
)

# ---- curve

_ALONG = (
    Q.but(about="variance that layers keep", inner=True, note=""),
    SIGMA_B.but(default=None, most=1e50, inner=True),
    SIGMA_W.but(required=False, most=1e50, above=True, eoc=False, inner=True),
)
_ON_THE_CURVE = {
    "q": _Q,
    **_SIGMAS,
    "slope": _SLOPE,
    "usable": Output("whether layers keep this variance", flags=NO_YES),
    "constant": _CONSTANT,
    **_LAW,
    **_REASON,
}


def _along(given: Collection[str]) -> str:
    """The one of q, sigma_b and sigma_w that is given."""
    return next(parameter.name for parameter in _ALONG if parameter.name in given)


def _curve_outputs(given: Collection[str]) -> Mapping[str, Output]:
    dims = (_along(given),)
    return {name: output.but(dims=dims) for name, output in _not_given(given, _ON_THE_CURVE).items()}


def _curve_problems(values: Values) -> Iterable[tuple[str, str]]:
    given = [parameter.name for parameter in _ALONG if parameter.name in values]
    if not given:
        yield "q", "give one of q, sigma_b and sigma_w: where along the edge of chaos"
    for name in given[1:]:
        yield name, f"give only one of q, sigma_b and sigma_w: {given[0]} is given already"
    yield from free_problems(values)


def _curve(point: Point) -> Mapping[str, ArrayLike]:
    from eoc.criticality import curve
    from eoc.criticality.explicit import only_scales
    from eoc.layers import understood

    network, name = understood(point["activation"]), _along(point)
    values = np.asarray(point[name], dtype=float)
    if name == "q":
        found = curve(network, values)
        exists = np.isfinite(found.sigma_b) & np.isfinite(found.sigma_w)
        usable = exists & ((found.slope < 1.0) | only_scales(network))
    else:
        found, exists = _best(network, name, values)
        usable = np.isfinite(found.q)
    return _described(network, found, usable) | {"reason": _reasons(network, exists, usable)}


def _reasons(network: Network, exists: NDArray[np.bool_], usable: NDArray[np.bool_]) -> NDArray[np.int_]:
    """As :func:`eoc.edge_of_chaos` would say for each of the values."""
    from eoc.criticality.explicit import only_scales

    none = "homogeneous" if only_scales(network) and exists.any() else "no solution"
    if network.jumps:
        none = "infinite chi_1"
    found, unstable, nothing = (_REASONS.index(reason) for reason in ("found", "unstable", none))
    return np.asarray(np.where(usable, found, np.where(exists, unstable, nothing)))


def _best(network: Network, name: str, values: ArrayLike) -> tuple[Curve, NDArray[np.bool_]]:
    """Of the points with each sigma_b or sigma_w the usable one that carries correlations deepest; NaN if none is.

    And whether there is any point, usable or not.
    """
    from eoc.criticality import Curve, edge_of_chaos, eoc_curve
    from eoc.criticality.explicit import only_scales
    from eoc.criticality.point import depth_scales

    every = eoc_curve(network, points=8).at(**{name: values})
    exists = np.asarray(np.isfinite(every.q).any(axis=0))
    fields = np.array([every.q, every.sigma_w, every.sigma_b, every.slope])  # (4, n, K)
    if every.q.size and not only_scales(network):
        depth = np.full(every.q.shape, -np.inf)
        usable = (every.slope < 1.0) & (every.q > 0.0)
        depth[usable] = depth_scales(network, every[usable])
        fields = np.take_along_axis(fields, depth.argmax(axis=0)[None, None], axis=1)
        fields = np.where(depth.max(axis=0) > -np.inf, fields, np.nan)
    found = fields[:, 0] if every.q.shape[0] else np.full((4, np.size(values)), np.nan)
    for at in np.flatnonzero(np.asarray(values) == 0.0):  # the limit q = 0 has rules of its own
        edge = edge_of_chaos(network, sigma_b=0.0)
        exists[at] = bool(edge.points)
        if edge.reason is None:
            found[:, at] = edge.best.q, edge.best.sigma_w, 0.0, edge.best.slope
    q, sigma_w, sigma_b, slope = found
    return Curve(q=q, sigma_w=sigma_w, sigma_b=sigma_b, slope=slope), exists


def _described(network: Network, found: Curve, usable: ArrayLike) -> dict[str, ArrayLike]:
    """The points with their laws."""
    there = np.isfinite(found.sigma_b) & np.isfinite(found.sigma_w)
    constant, law = np.full(found.q.shape, np.nan), np.full(found.q.shape, -1)
    constant[there], law[there] = _laws(network, found[there])
    law[np.isinf(constant)] = _LAWS.index("constant")
    return {
        "q": found.q,
        "sigma_b": found.sigma_b,
        "sigma_w": found.sigma_w,
        "slope": found.slope,
        "usable": np.where(there, usable, -1),
        "constant": constant,
        "depth_scale": np.where(law == _LAWS.index("1/l^2"), np.sqrt(constant), constant),
        "law": law,
    }


def _laws(network: Network, along: Curve) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Constants and laws at points (n,): of an activation for all at once, of networks for one after the other."""
    from eoc.activations import Smoothness
    from eoc.criticality.point import law_at
    from eoc.rates import rate_constant

    phi, constant, law = network.phi, np.full(along.q.shape, np.nan), np.full(along.q.shape, -1)
    at_once = (along.q > 0.0) & (phi is not None)
    if phi is not None:
        constant[at_once] = rate_constant(phi, along.q[at_once]).value
        law[at_once] = _LAWS.index("1/l^2" if phi.smoothness is Smoothness.KINK else "1/l")
    for i in np.flatnonzero(~at_once).tolist():
        found = law_at(network, float(along.sigma_w[i]), float(along.sigma_b[i]), float(along.q[i]))
        constant[i], law[i] = found.constant, _LAWS.index(found.law)
    return constant, law


def _curve_seconds(point: Point) -> float:
    """For activations all points at once; for networks the law of each from a correlation map of its own."""
    from eoc.layers import understood

    each = 2e-6 if understood(point["activation"]).phi is not None else 5e-3
    return 0.004 + each * np.size(point[_along(point)])


CURVE = Task(
    name="curve",
    about="the edge of chaos at many variances, sigma_b or sigma_w: of several points there the best usable one",
    parameters=(NETWORK.but(networks="same"), *_ALONG),
    outputs=_curve_outputs,
    run=_curve,
    seconds=_curve_seconds,
    problems=_curve_problems,
    rule="exactly one of q, sigma_b and sigma_w: where along the edge of chaos",
)
