"""Gaussian expectations: the jitted numerical core and what stands directly on it."""

from eoc.gaussian.moments import Estimate, moments

__all__ = ["Estimate", "moments"]
