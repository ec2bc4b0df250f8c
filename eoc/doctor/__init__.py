"""Whether this installation is sound: what it stands on, and a few numbers whose values are known.

``environment`` says what is there, ``self_test`` computes; ``eoc doctor`` prints both.
"""

from eoc.doctor.environment import Environment, environment
from eoc.doctor.self_test import Check, self_test

__all__ = ["Check", "Environment", "environment", "self_test"]
