"""Whatever a person gives where a network is taken: a network, an activation, or a module with its channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from eoc.activations import activation
from eoc.activations.base import Activation
from eoc.errors import EocError, ExpressionError, UnsupportedError
from eoc.layers.elementwise import surrogate
from eoc.layers.mixture import Mixture
from eoc.layers.network import Network, is_network, network
from eoc.layers.reading import Item, constant

__all__ = ["mixture", "one_activation", "plain", "understood"]

_FEW = 4  # activations whose names make that of a mixture


def plain(phi: Activation, backward: Activation | None = None) -> Network:
    """The fully connected network of an activation: phi and a free dense layer; gradients may see a surrogate."""
    item = Item(phi.name, {}, (), phi, partial(ExpressionError, text=phi.name, column=1), backward)
    name = phi.name if backward is None else f"ste({phi.name}, {backward.name})"
    return Network(name, f"{name}, dense", True, False, (item,), phi, phi.cache, (plain, (phi, backward)))


def understood(source: object, backward: object = None) -> Network:
    """A network, what is written as one, or the plain one of whatever :func:`eoc.activation` understands.

    Parameters
    ----------
    source
        See above.
    backward
        The function whose slope gradients see in place of that of the activation, see :func:`surrogate`.

    Raises
    ------
    EocError
        For ``backward`` beside a network, which has it inside; and as :func:`eoc.activation`.

    Examples
    --------
    >>> understood("tanh").text, understood("tanh, dropout(0.1), dense").phi is None
    ('tanh, dense', True)
    >>> understood("sign", backward="hardtanh").text
    'ste(sign, hardtanh), dense'
    """
    written = isinstance(source, str) and is_network(source)
    if backward is not None and (written or isinstance(source, Network)):
        raise EocError(
            f"backward is that of an activation, and {str(source)!r} is a network: write it there, as in "
            "'ste(sign, hardtanh), dense'"
        )
    if isinstance(source, Network):
        return source
    if written:
        return network(source)
    several = _channels(source) if backward is None else None
    if several is not None:
        return mixture(*several) if len(several[0]) > 1 else plain(several[0][0])
    return plain(activation(source), None if backward is None else surrogate(backward))


def _channels(source: object) -> tuple[tuple[Activation, ...], tuple[float, ...]] | None:
    """The activations of the channels of a module of a framework, and their shares; None where it has no channels."""
    if not callable(source) or isinstance(source, Activation):
        return None
    from eoc.activations.argument.channels import channels

    return channels(source, activation)


def mixture(activations: Sequence[object], shares: Sequence[float] | None = None) -> Network:
    """The fully connected network whose units go through one of several activations each, as those of channels do.

    Parameters
    ----------
    activations
        Whatever :func:`eoc.activation` understands, one for each kind of units.
    shares
        Of the units, adding up to 1; left out: as many of each.

    Returns
    -------
    Network
        Taken wherever networks are. In text it is ``"mixture(relu, tanh), dense"``, where all shares are the same.
        A module of a framework whose parameters differ by channel is understood as one.

    Raises
    ------
    EocError
        As :func:`eoc.activation`; for less than two, or shares that do not fit.

    Examples
    --------
    >>> from eoc.layers.inputs import Input
    >>> slopes = mixture(["leaky_relu(slope=0.1)", "leaky_relu(slope=0.3)"])
    >>> slopes.block(1.0)(Input([2.0])).q.value.round(12).tolist()  # q (1 + mean of slope^2) / 2
    [1.05]
    """
    parts = tuple(activation(one) for one in activations)
    given = (1.0 / len(parts),) * len(parts) if shares is None and parts else tuple(map(float, shares or ()))
    if len(parts) < 2 or len(given) != len(parts):
        raise EocError(f"a mixture has two activations or more and a share of each, got {len(parts)} and {len(given)}")
    Mixture(given)
    names = ", ".join(phi.name for phi in parts)
    alike = len(set(given)) == 1 and len(parts) <= _FEW and all(phi.remake is not None for phi in parts)  # can be typed
    name = f"mixture({names}), dense" if alike else f"mixture of {len(parts)} activations, dense"
    fail = partial(ExpressionError, text=name, column=1)
    numbers = {str(i): constant(share) for i, share in enumerate(given)} if len(set(given)) > 1 else {}
    inside = tuple((Item(phi.name, {}, (), phi, fail),) for phi in parts)
    series = (Item("mixture", numbers, inside, None, fail), Item("dense", {}, (), None, fail))
    return Network(name, name, True, False, series, again=(mixture, (parts, given)))


def one_activation(source: object, resolve: Callable[[str], Activation] = activation) -> Activation:
    """The activation that is meant, of what takes no networks.

    Parameters
    ----------
    source
        Whatever :func:`eoc.activation` understands.
    resolve
        What reads texts.

    Raises
    ------
    UnsupportedError
        For a network or what is written as one.
    EocError
        As :func:`eoc.activation`.

    Examples
    --------
    >>> one_activation("relu").name
    'relu'
    """
    if isinstance(source, Network) or (isinstance(source, str) and is_network(source)):
        raise UnsupportedError(
            f"{str(source)!r} is a network of layers, and this is about an activation. Networks are taken by "
            "edge_of_chaos and recommend (eoc init), eoc_curve (eoc curve), phases (eoc phase), phase_diagram "
            "(eoc diagram), convergence_of (eoc rates), propagate, verify, VarianceMap and CorrelationMap (eoc maps), "
            "and by sweeps"
        )
    return resolve(source) if isinstance(source, str) else activation(source)
