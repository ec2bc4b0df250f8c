"""Whether this installation is sound: what it stands on, and a few numbers whose values are known.

``installed`` says what is there, ``checks`` computes; ``eoc doctor`` prints both.
"""

from eoc.doctor.checks import Check, self_test
from eoc.doctor.installed import Environment, environment

__all__ = ["Check", "Environment", "environment", "self_test"]
