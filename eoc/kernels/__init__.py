"""Infinitely wide networks as models of data: NNGP and NTK of any network, what they say, and prediction with them.

``kernel`` computes both for inputs (``inputs`` checks them), block by block; ``result`` is what it returns, with
``spectra`` of it.
"""

from eoc.kernels.kernel import kernel
from eoc.kernels.result import Kernel
from eoc.kernels.spectra import Spectrum

__all__ = ["Kernel", "Spectrum", "kernel"]
