"""The algebra of networks: what every layer does to second moments, written once.

``signal`` says what flows, ``bounded`` carries its errors; ``affine``, ``elementwise``, ``norms`` and ``joined`` hold
the ops, each with its formulas; ``graph`` puts them together, ``reading`` and ``network`` are their form as text.
"""

from eoc.layers.affine import checked_sigma
from eoc.layers.graph import Graph, Node, Repeat, gate, residual, serial
from eoc.layers.network import LAYERS, PRESETS, Network, is_network, network, understood
from eoc.layers.signal import CloseInput, Input, Pairs, Renewed, Signal

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
    "checked_sigma",
    "gate",
    "is_network",
    "network",
    "residual",
    "serial",
    "understood",
]
