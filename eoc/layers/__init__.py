"""The algebra of networks: what every layer does to second moments, written once.

``signal`` says what flows, ``pairs`` how its points are arranged, ``inputs`` and ``given`` where it begins, ``nature``
and ``split`` what holds at every variance; ``bounded`` carries errors, ``close`` what is lost of small distances.
``affine`` with ``weights``, ``elementwise`` with ``point_moments`` and ``pair_moments``, ``norms``, ``batches``,
``joined``, ``mixing``, ``convolution`` with ``taps``, ``pooling``, ``offsets``, ``maxima``, ``attention``,
``recurrent``, ``mixture`` and ``evolved`` with ``law`` hold the ops, each with its formulas; ``graph`` puts them
together, ``words``, ``reading`` and ``network`` are their form as text, ``understood`` what else is taken for one.
"""

from eoc.layers.affine import checked_sigma
from eoc.layers.attention import collapse_constant
from eoc.layers.graph import Graph, Node, Repeat, joined, residual, serial
from eoc.layers.inputs import CloseInput, Input, Renewed
from eoc.layers.modes import mode_factor, padding_eigenvalue
from eoc.layers.network import PRESETS, Network, is_network, network
from eoc.layers.pairs import Pairs
from eoc.layers.signal import Signal
from eoc.layers.understood import mixture, one_activation, understood
from eoc.layers.weights import WeightMoments, pruned, quantised
from eoc.layers.words import LAYERS

__all__ = [
    "LAYERS",
    "PRESETS",
    "CloseInput",
    "Graph",
    "Input",
    "Network",
    "Node",
    "Pairs",
    "Renewed",
    "Repeat",
    "Signal",
    "WeightMoments",
    "checked_sigma",
    "collapse_constant",
    "is_network",
    "joined",
    "mixture",
    "mode_factor",
    "network",
    "one_activation",
    "padding_eigenvalue",
    "pruned",
    "quantised",
    "residual",
    "serial",
    "understood",
]
