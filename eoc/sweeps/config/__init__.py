"""From a YAML file, or a mapping of Python, to the points of a sweep, or to everything that is wrong with it.

``source`` and ``syntax`` read the file, ``reading`` turns it into values with their places, ``overrides`` replaces
some, ``model`` and ``grids`` say what a configuration is, ``choosing`` finds its task and ``kinds`` its grids,
``values``, ``axes``, ``naming`` and ``zips`` check what the task takes, ``problems`` says what is wrong, and ``sweep``
puts it all together. ``schema`` tells editors what may be written, ``estimate`` what it costs.
"""

from eoc.sweeps.config.problems import ConfigError, Problem
from eoc.sweeps.config.sweep import Sweep, read_sweep, sweep_of

__all__ = ["ConfigError", "Problem", "Sweep", "read_sweep", "sweep_of"]
