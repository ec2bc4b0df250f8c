"""From a YAML file, or a mapping of Python, to the points of a sweep, or to everything that is wrong with it.

``yaml_text`` reads a file, ``document`` turns it into values with their places, ``schema`` says which keys there are,
``names`` finds the task and its parameters, ``activations`` checks the texts of activations and networks, ``values``,
``grids`` and ``axes`` turn what is written into values, ``problems`` says what is wrong, and ``sweep`` puts it all
together.
"""

from eoc.sweeps.config.problems import ConfigError, Problem
from eoc.sweeps.config.sweep import Sweep, read_sweep, sweep_of

__all__ = ["ConfigError", "Problem", "Sweep", "read_sweep", "sweep_of"]
