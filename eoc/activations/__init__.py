"""What a nonlinearity is, and the three ways to name one: by name, as a formula, as a Python function."""

from eoc.activations.base import Activation, Breakpoint, Growth, Piece, Smoothness
from eoc.activations.named import names
from eoc.activations.resolve import activation, era

__all__ = ["Activation", "Breakpoint", "Growth", "Piece", "Smoothness", "activation", "era", "names"]
