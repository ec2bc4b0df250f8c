"""Laws of weights, by name: independent entries with mean 0 and variance 1, or orthogonal matrices of that scale.

The infinite-width theory only knows the variance of the weights. Every law here has the same one, so that what
differs between them at finite width is due to the rest of the law; Student's t with df <= 2 has none and shows what
the theory is worth without it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.layers.weights import pruned, quantised
from eoc.montecarlo.sampling.haar import positive_qr

__all__ = ["DTYPES", "Dtype", "WeightLaw", "cast", "law"]

Dtype = Literal["float32", "float64"]
Shape = tuple[int, int]
Weights = NDArray[Any]  # of either dtype
Draw = Callable[[np.random.Generator, Shape, Dtype], Weights]

#: What weights can be made of.
DTYPES: tuple[Dtype, ...] = ("float32", "float64")


@dataclass(frozen=True)
class WeightLaw:
    """What the weights of a layer are drawn from, before they are scaled by sigma_w / sqrt(fan-in).

    Attributes
    ----------
    name
        What it is called.
    draw
        ``draw(rng, shape, dtype)``: entries of mean 0, an array of that shape (rows, columns) and that dtype. It may
        be called by several threads at a time, each with a generator of its own.
    variance
        Of the entries: 1, or infinity if they have none.
    kurtosis
        E[w^4] of independent entries of variance 1; NaN where it is not known, or entries are not independent.
    whole
        Whether a matrix has to be drawn at once, because its rows are not independent.
    """

    name: str
    draw: Draw = field(repr=False)
    variance: float = 1.0
    kurtosis: float = math.nan
    whole: bool = False


def law(source: object) -> WeightLaw:
    """The law of weights meant by a name or a Python function.

    Parameters
    ----------
    source
        - ``"gaussian"``, ``"rademacher"`` (+1 or -1), ``"uniform"``, ``"laplace"``: independent entries;
        - ``"student_t(df)"``, df > 0: scaled to variance 1 if df > 2; otherwise as it is, with infinite variance;
        - ``"sparse(p)"``, 0 < p <= 1: Gaussian of variance 1/p with probability p, otherwise 0;
        - ``"pruned(p)"``, 0 < p <= 1: Gaussian of which the largest are left, each with probability p, and rescaled;
        - ``"levels(n)"``, n >= 2: so many values at equal distances around 0, all as likely: quantised weights;
        - ``"low_rank(p)"``, 0 < p <= 1: a product of two Gaussian matrices with a rank of p times the smaller size;
        - ``"orthogonal"``: a Haar distributed orthogonal matrix, with orthonormal columns (rows) if it is taller
          (wider) than square, scaled so that entries have variance 1;
        - a function ``draw(rng, shape)`` of a :class:`numpy.random.Generator` that returns independent entries of
          mean 0 and variance 1 in an array of that shape. That they are so is taken on trust;
        - a :class:`WeightLaw`, which is returned as it is.

        Case, spaces, hyphens and underscores in names do not matter. The text is parsed, never executed.

    Returns
    -------
    WeightLaw
        Its ``draw`` makes the entries.

    Raises
    ------
    EocError
        For an unknown name (with a suggestion) or a parameter outside its range. ``draw`` raises it where a function
        fails, or returns anything but finite numbers in an array of that shape.

    Examples
    --------
    >>> law("Student-t(5)").name, law("student_t(df=1.5)").variance
    ('student_t(5)', inf)
    >>> law("rademacher").draw(np.random.default_rng(4), (2, 3), "float64").tolist()
    [[-1.0, 1.0, -1.0], [-1.0, 1.0, 1.0]]
    """
    if isinstance(source, WeightLaw):
        return source
    if isinstance(source, str):
        return _from_text(source)
    if callable(source):
        name = str(getattr(source, "__name__", type(source).__name__))
        return WeightLaw(name, partial(_by_function, source, name))
    raise EocError(
        f"a law of weights is one of {', '.join(_SPELLINGS)}, or a function draw(rng, shape); got {source!r}"
    )


def cast(x: NDArray[Any], dtype: Dtype) -> NDArray[Any]:
    """The numbers in that dtype. Those too large for it become infinite, which the layer they end up in refuses."""
    with np.errstate(over="ignore"):
        return x.astype(dtype, copy=False)


# --- draws -----------------------------------------------------------------------------------------------------------


def _gaussian(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    return rng.standard_normal(shape, dtype=np.dtype(dtype))


def _rademacher(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    count = shape[0] * shape[1]
    bits = np.unpackbits(np.frombuffer(rng.bytes((count + 7) // 8), np.uint8), count=count)
    signs = bits.reshape(shape).astype(dtype)
    signs *= 2.0
    signs -= 1.0
    return signs


def _uniform(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    out = rng.random(shape, dtype=np.dtype(dtype))
    out -= 0.5
    out *= 12.0**0.5
    return out


def _laplace(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    out = rng.standard_exponential(shape, dtype=np.dtype(dtype))  # and a sign: faster than rng.laplace
    out *= 0.5**0.5
    out *= _rademacher(rng, shape, dtype)
    return out


def _student_t(df: float, rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    out = rng.standard_t(df, shape)
    if df > 2.0:
        out *= (1.0 - 2.0 / df) ** 0.5
    return cast(out, dtype)


def _sparse(p: float, rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    there = rng.random(shape) < p
    out = np.zeros(shape, dtype)
    out[there] = rng.standard_normal(int(np.count_nonzero(there))) / p**0.5
    return out


def _pruned(threshold: float, rescale: float, rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    out = _gaussian(rng, shape, dtype)
    out[np.abs(out) < threshold] = 0.0
    out *= rescale
    return out


def _levels(count: int, rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    out = rng.integers(count, size=shape).astype(dtype)
    out -= 0.5 * (count - 1)
    out *= (12.0 / (float(count) ** 2 - 1.0)) ** 0.5
    return out


def _low_rank(share: float, rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    rank = max(1, round(share * min(shape)))
    return cast(rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1])) / rank**0.5, dtype)


def _orthogonal(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Weights:
    long, short = max(shape), min(shape)
    columns = positive_qr(rng.standard_normal((long, short)))[0]
    columns *= long**0.5
    return cast(columns if shape[0] == long else columns.T, dtype)


def _by_function(
    function: Callable[..., Any], name: str, rng: np.random.Generator, shape: Shape, dtype: Dtype
) -> Weights:
    try:
        out = np.asarray(function(rng, shape))
    except (Exception, SystemExit) as error:  # somebody else's function: whatever it leads to
        raise EocError(
            f"the law {name} failed, called as {name}(rng, {shape}): {type(error).__name__}: {error}"
        ) from error
    if out.shape != shape or out.dtype.kind not in "iuf":
        raise EocError(
            f"the law {name} must return real weights of shape {shape}, returned {out.dtype} of shape {out.shape}"
        )
    if not np.isfinite(out).all():
        raise EocError(f"the law {name} must return finite weights, returned {out[~np.isfinite(out)][0]}")
    return cast(out, dtype)


# --- names -----------------------------------------------------------------------------------------------------------

_PLAIN: Mapping[str, WeightLaw] = MappingProxyType(
    {
        one.name: one
        for one in (
            WeightLaw("gaussian", _gaussian, kurtosis=3.0),
            WeightLaw("rademacher", _rademacher, kurtosis=1.0),
            WeightLaw("uniform", _uniform, kurtosis=1.8),
            WeightLaw("laplace", _laplace, kurtosis=6.0),
            WeightLaw("orthogonal", _orthogonal, whole=True),
        )
    }
)
_PARAMETERS = {"student_t": "df", "sparse": "p", "pruned": "p", "levels": "n", "low_rank": "p"}
_SPELLINGS = (*_PLAIN, *(f"{name}({parameter})" for name, parameter in _PARAMETERS.items()))
_TEXT = re.compile(r"\s*([A-Za-z][\w\s-]*?)\s*(?:\(\s*(?:([A-Za-z]\w*)\s*=)?\s*([^()=]*?)\s*\)\s*)?\Z")
_LONGEST = 100
_MOST_LEVELS = 2**32


def _key(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


_BY_KEY = {_key(name): name for name in (*_PLAIN, *_PARAMETERS)} | {"normal": "gaussian"}


def _from_text(text: str) -> WeightLaw:
    found = _TEXT.match(text) if len(text) <= _LONGEST else None
    if found is None:
        raise EocError(f"cannot read the law of weights {text[:_LONGEST]!r}; known: {', '.join(_SPELLINGS)}")
    written, parameter, value = found.groups()
    name = _BY_KEY.get(_key(written))
    if name is None:
        close = [repr(_BY_KEY[key]) for key in get_close_matches(_key(written), _BY_KEY, n=1)]
        hint = f"did you mean {close[0]}? Known" if close else "known"
        raise EocError(f"unknown law of weights {written!r}; {hint}: {', '.join(_SPELLINGS)}")
    if name in _PLAIN:
        if value is not None:
            raise EocError(f"the law {name} has no parameter, got {text!r}")
        return _PLAIN[name]
    return _with_parameter(text, name, parameter, value)


def _with_parameter(text: str, name: str, parameter: str | None, value: str | None) -> WeightLaw:
    asked = _PARAMETERS[name]
    if parameter not in (None, asked):
        raise EocError(f"the law {name} has no parameter {parameter!r}: write {name}({asked})")
    try:
        number = float(value or "")
    except ValueError:
        raise EocError(f"the law {name} needs a number: write {name}({asked}), got {text!r}") from None
    if name == "student_t":
        if not 0.0 < number < np.inf:
            raise EocError(f"student_t(df) needs a finite df > 0, got {text!r}")
        variance = 1.0 if number > 2.0 else np.inf
        kurtosis = 3.0 + 6.0 / (number - 4.0) if number > 4.0 else np.inf
        return WeightLaw(f"student_t({number:g})", partial(_student_t, number), variance, kurtosis)
    if name == "levels":
        if not (2.0 <= number <= _MOST_LEVELS and number.is_integer()):
            raise EocError(f"levels(n) needs a whole number n from 2 to {_MOST_LEVELS}, got {text!r}")
        return WeightLaw(f"levels({number:g})", partial(_levels, int(number)), kurtosis=quantised(number).kurtosis)
    if not 0.0 < number <= 1.0:
        what = "a share" if name == "low_rank" else "a probability"
        raise EocError(f"{name}(p) needs {what} 0 < p <= 1, got {text!r}")
    return _of_share(f"{name}({number:g})", name, number)


def _of_share(called: str, name: str, share: float) -> WeightLaw:
    if name == "low_rank":
        return WeightLaw(called, partial(_low_rank, share), whole=True)
    if name == "sparse":
        return WeightLaw(called, partial(_sparse, share), kurtosis=pruned(share, "random").kurtosis)
    left = pruned(share)
    return WeightLaw(called, partial(_pruned, left.threshold, left.rescale), kurtosis=left.kurtosis)
