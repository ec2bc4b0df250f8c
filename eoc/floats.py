"""Arrays of double precision numbers, as annotations name them, and the unit that they are rounded to."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPS", "FloatArray", "IntArray"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
EPS = sys.float_info.epsilon  #: 2^-52, the distance from 1 to the next number
