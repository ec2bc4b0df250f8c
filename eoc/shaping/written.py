"""The shaped activation as an Activation: a formula that can be typed wherever phi can, else a composition."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from eoc.activations import Activation, activation
from eoc.activations.algebra import affine, composed
from eoc.errors import EocError
from eoc.layers import Network, network, understood
from eoc.layers.reading import Series
from eoc.sharing import Memory

__all__ = ["shaped", "with_shaped"]

_CALL = re.compile(r"([A-Za-z]\w*)\((.*=.*)\)")
_X = re.compile(r"\bx\b")
_PROBES = np.linspace(-6.0, 6.0, 61)
_SAME = 1e-10  # relative: of formulas that were rounded for people


def shaped(phi: Activation, alpha: float, beta: float, gamma: float, delta: float) -> Activation:
    """The activation gamma (phi(alpha x + beta) + delta)."""
    line = affine(activation("identity"), alpha, beta)
    whole = affine(composed(phi, line), gamma, gamma * delta)
    inner = f"{alpha!r}*x{beta:+}"
    for text in _texts(phi, inner):
        try:
            written = activation(f"{gamma!r}*({text}{delta:+})")
        except EocError:
            continue
        values, meant = written(_PROBES), whole(_PROBES)
        if np.allclose(values, meant, rtol=_SAME, atol=_SAME * float(np.abs(meant).max())):
            return written
    return replace(whole, name=f"{gamma:.6g}*({phi.name}({alpha:.6g}*x{beta:+.6g}){delta:+.6g})")


def _texts(phi: Activation, inner: str) -> list[str]:
    """How phi of another expression than x may be written."""
    call = _CALL.fullmatch(phi.name)
    if call:
        return [f"{call[1]}({inner}, {call[2]})"]
    if phi.name.isidentifier():
        return [f"{phi.name}({inner})", _X.sub(f"({inner})", phi.formula)]
    return [f"({_X.sub(f'({inner})', phi.name)})"]


def with_shaped(block: Network, phi: Activation, new: Activation) -> Network:
    """The network with another activation in place of phi; one that can be typed, where that can be written."""
    if block.phi is not None:
        return understood(new)
    if phi.name.isidentifier():
        try:
            return network(re.sub(rf"\b{phi.name}\b(?!\s*\()", new.name, block.text))
        except EocError:
            pass
    again = with_shaped, (block, phi, new)
    return replace(block, series=_replaced(block.series, phi, new), cache=Memory(), again=again)


def _replaced(series: Series, phi: Activation, new: Activation) -> Series:
    return tuple(
        replace(
            one,
            phi=new if one.phi is phi else one.phi,
            inside=tuple(_replaced(part, phi, new) for part in one.inside),
        )
        for one in series
    )
