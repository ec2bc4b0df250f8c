r"""Recurrent cells, one step of time as a block of layers, and what comes in from outside at each step.

With fresh weights at every step, inputs s of second moment R and a correlation c of two of them, and pre-activations
:math:`e = W h + V s + b` of variance :math:`\sigma_w^2 Q + \sigma_v^2 R + \sigma_b^2`, the state h has

.. math:: \text{minimalRNN} \quad h' = u h + (1 - u) z: \qquad Q' = E[u^2] Q + E[(1 - u)^2] R,

.. math:: \text{GRU} \quad h' = u h + (1 - u) \tanh(g), \; g = W (r h) + V s: \qquad
          Q' = E[u^2] Q + E[(1 - u)^2] V(\sigma_w^2 E[r^2] Q + \sigma_v^2 R),

with gates :math:`u = \operatorname{sigmoid}(e_u + \mu_u)`, :math:`r = \operatorname{sigmoid}(e_r + \mu_r)`, and z a
signal of second moment R and correlation c, the encoded input. Covariances follow in the same way. Nothing but second
moments of h is needed, so that the block may be applied again and again, and u h and (1 - u) z are uncorrelated, as z
has mean 0.

Chen, Pennington and Schoenholz (2018, arXiv 1806.05394) for minimalRNN; the GRU in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.activations import activation
from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.layers.affine import Dense
from eoc.layers.bounded import Bounded, exact
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Graph, Node, Op, joined, serial
from eoc.layers.joined import Product, Sum
from eoc.layers.nature import Nature
from eoc.layers.pairs import Pairs
from eoc.layers.signal import Products, Signal, fresh_source
from eoc.layers.split import Split, only_rest
from eoc.sharing import cached_property

__all__ = ["Outside", "gru", "minimal_rnn", "shifted_sigmoid", "with_input"]

_FURTHEST = 100.0  # where 1 - sigmoid is 4e-44


@dataclass(frozen=True)
class Outside:
    """An independent Gaussian signal of this variance, whatever comes before: V s, with inputs s of correlation c.

    q' = variance, G' = variance (1 - c) of two points; no tangents.
    """

    variance: float
    c: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.variance <= 1e100:
            raise EocError(f"the variance of an input must be from 0 to 1e100, got {self.variance:g}")
        if not -1.0 <= self.c <= 1.0:
            raise EocError(f"the correlation of inputs must be from -1 to 1, got {self.c:g}")

    def __call__(self, x: Signal) -> Signal:
        """The signal, for the points of x."""
        return _Outside(x.pairs, x.q.value.size, self.variance, self.c)


def with_input(layer: Op, variance: float, c: float) -> Graph:
    """What a layer makes of x, plus an input of this variance and correlation."""
    return joined(Sum(), [layer, Outside(variance, c)])


def shifted_sigmoid(mu: float, sign: int = 1) -> Activation:
    """The gate sigmoid(x + mu), or for ``sign`` -1 the rest 1 - sigmoid(x + mu) = sigmoid(-x - mu), with all digits."""
    if not abs(mu) <= _FURTHEST:
        raise EocError(f"the mean of a gate's biases must be from -{_FURTHEST:g} to {_FURTHEST:g}, got {mu:g}")
    inner = f"{sign * mu!r} {'+' if sign > 0 else '-'} x"
    return activation("sigmoid" if mu == 0.0 and sign > 0 else f"sigmoid({inner})")


def minimal_rnn(sigma_w: float, sigma_v: float, mu: float, sigma_b: float, R: float, c: float) -> Graph:
    """One step of a minimalRNN."""
    gate = with_input(Dense(sigma_w, sigma_b), sigma_v**2 * R, c)
    return _updated(Node(gate, (0,), "update gate"), mu, (Node(Outside(R, c), (0,), "encoded input"),))


def gru(
    sigma_w: float,
    sigma_v: float,
    sigma_u: float,
    mu_u: float,
    sigma_r: float,
    mu_r: float,
    sigma_b: float,
    R: float,
    c: float,
) -> Graph:
    """One step of a GRU; gates see the inputs through weights of sigma_v, too, and all biases vary by sigma_b."""
    fed = sigma_v**2 * R
    update = Node(with_input(Dense(sigma_u, sigma_b), fed, c), (0,), "update gate")
    reset = serial([with_input(Dense(sigma_r, sigma_b), fed, c), Elementwise(shifted_sigmoid(mu_r))])
    candidate = serial([with_input(Dense(sigma_w, sigma_b), fed, c), Elementwise(activation("tanh"))])
    nodes = (
        Node(reset, (0,), "reset gate"),
        Node(Product(), (0, 2), "reset state"),
        Node(candidate, (3,), "candidate"),
    )
    return _updated(update, mu_u, nodes)


def _updated(gate: Node, mu: float, candidate: tuple[Node, ...]) -> Graph:
    """The state x times u, plus 1 - u times a candidate, the last of these nodes; the first value is the gate's."""
    last = 1 + len(candidate)
    return Graph(
        (
            gate,
            *candidate,
            Node(Elementwise(shifted_sigmoid(mu)), (1,), "u"),
            Node(Elementwise(shifted_sigmoid(mu, -1)), (1,), "1 - u"),
            Node(Product(), (last + 1, 0), "kept"),
            Node(Product(), (last + 2, last), "taken in"),
            Node(Sum(), (last + 3, last + 4), "state"),
        )
    )


class _Outside(Signal):
    is_gaussian = True

    def __init__(self, pairs: Pairs, points: int, variance: float, c: float) -> None:
        super().__init__(pairs, frozenset([fresh_source()]))
        self._points, self._variance, self._c = points, variance, c

    @cached_property
    def _zeros(self) -> Bounded:
        return exact(np.zeros(self._points))

    @cached_property
    def q(self) -> Bounded:
        return exact(np.full(self._points, self._variance))

    @cached_property
    def m(self) -> Bounded:
        return self._zeros

    @cached_property
    def G(self) -> Bounded:
        return exact(np.where(self.pairs.alike, 0.0, self._variance * (1.0 - self._c)))

    @cached_property
    def chi(self) -> Bounded:
        return self._zeros

    def pushed(self, of: Products) -> Bounded:
        return exact(np.zeros(self.pairs.size))

    @cached_property
    def dq(self) -> Bounded:
        return self._zeros

    @cached_property
    def dm(self) -> Bounded:
        return self._zeros

    @cached_property
    def gap(self) -> Bounded:
        return exact(np.full(self._points, -self._variance))

    @cached_property
    def split(self) -> Split:
        return only_rest(self.q)

    @cached_property
    def nature(self) -> Nature:
        zero = np.zeros(1)
        return Nature(0.0, 1, zero, np.full(1, self._variance), zero)
