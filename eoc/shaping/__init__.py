"""Activations made trainable at a depth: phi_hat(x) = gamma (phi(alpha x + beta) + delta), by TAT and DKS.

``target`` says how much each activation of a network may bend, ``means`` and ``conditions`` what that asks of the four
numbers, ``solutions`` finds them, ``leaky`` does the same for ReLU, ``written`` makes
the function; ``shape`` puts them together, ``result`` says what came out.
"""

from eoc.shaping.result import Condition, Shaping
from eoc.shaping.shape import can_be_shaped, shape
from eoc.shaping.solutions import Solution

__all__ = ["Condition", "Shaping", "Solution", "can_be_shaped", "shape"]
