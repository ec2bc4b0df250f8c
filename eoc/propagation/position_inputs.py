"""The inputs of :func:`eoc.propagate_positions`, checked: data, covariances, covariances by offset."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.layers import Input, Pairs, Signal
from eoc.layers.bounded import Bounded, exact
from eoc.layers.given import given_array
from eoc.propagation.inputs import from_gram
from eoc.validation import real_numbers

__all__ = ["Known", "inputs_with_positions"]

Known = Literal["every", "aligned"]

_ROUNDING = 1e-9  # by how much rounding may make a correlation larger than 1, or a spectrum negative


def inputs_with_positions(
    x: ArrayLike | None, covariance: ArrayLike | None, offsets: ArrayLike | None, pairs: Known
) -> Signal:
    """The inputs, however they are given."""
    if sum(one is not None for one in (x, covariance, offsets)) != 1:
        raise EocError("give inputs in one way: x, covariance or offsets")
    if pairs not in get_args(Known):
        raise EocError(f"pairs must be 'every' or 'aligned', got {pairs!r}")
    if x is not None:
        data = _checked("x", x)
        if data.ndim < 3:
            raise EocError(f"x holds inputs with positions, (inputs, channels, ...positions), got shape {data.shape}")
        return given_array(data, aligned=pairs == "aligned")
    if covariance is not None:
        return _of_covariance(_checked("covariance", covariance), pairs)
    if pairs != "every":
        raise EocError("of offsets all are known: leave out pairs")
    return _of_offsets(_checked("offsets", offsets))


def _checked(name: str, value: ArrayLike | None) -> FloatArray:
    found = real_numbers(name, np.empty(0) if value is None else value)
    if found.size == 0 or not np.isfinite(found).all():
        raise EocError(f"{name} must hold finite numbers, got {'none' if found.size == 0 else 'others'}")
    return found


def _of_covariance(given: FloatArray, pairs: Known) -> Signal:
    half = given.ndim // 2
    shape = given.shape[:half]
    if given.ndim < 4 or given.shape != shape * 2:
        raise EocError(f"covariance has the shape (inputs, ...positions) twice, got {given.shape}")
    q, e, error = from_gram(given.reshape(int(np.prod(shape)), -1))
    known = (Pairs.aligned if pairs == "aligned" else Pairs.every)(shape[0], shape[1:])
    return Input(exact(q), known.of_matrix(Bounded(e, error)), known)


def _of_offsets(given: FloatArray) -> Signal:
    if given.ndim < 3 or given.shape[0] != given.shape[1]:
        raise EocError(f"offsets has the shape (inputs, inputs, ...positions), got {given.shape}")
    inputs, positions = given.shape[0], given.shape[2:]
    values = given.reshape(inputs, inputs, -1)
    q = values[np.arange(inputs), np.arange(inputs), 0]
    if not (q > 0.0).all():
        raise EocError(f"the variances of inputs, offsets[a, a, 0], must be > 0, got {q.min():g}")
    known = Pairs.offsets(inputs, positions)
    axes = tuple(range(1, 1 + len(positions)))
    spectra = np.fft.fftn(given[np.arange(inputs), np.arange(inputs)], axes=axes)
    if (spectra.real < -_ROUNDING * spectra.real.max()).any() or (np.abs(spectra.imag) > _ROUNDING * q.max()).any():
        raise EocError("offsets holds no covariance of positions round a circle: its Fourier transform is not >= 0")
    upper = np.triu_indices(inputs)
    size = np.sqrt(q[known.first] * q[known.second])
    c = values[upper].ravel() / size
    if np.abs(c).max() > 1.0 + _ROUNDING:
        raise EocError(f"offsets holds no covariance: a correlation is {c[np.abs(c).argmax()]:.17g}")
    return Input(q, np.where(known.alike, 0.0, np.clip(1.0 - c, 0.0, 2.0)), known)
