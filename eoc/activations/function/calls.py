"""Calling somebody else's function: with arrays where it takes them, and errors that say at which x it failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray

__all__ = ["Calls"]

_TRIAL = np.array([-1.7, -0.5, 0.0, 0.3, 1.0, 2.9, 7.1])
_REPEATS = 3
_SINGLE = 2.0**-23  # relative accuracy of what returns float32
_HALF = 2.0**-10
_FAR = 30.0  # beyond this |x| an OverflowError of math.exp and its like is growth


class Calls:
    """A Python function of one number or of an array as a function from float64 (n,) to float64 (n,).

    Attributes
    ----------
    relative_error
        What its floating-point type promises: 0.0 for double precision, 2^-23 for single.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        if not callable(function):
            raise EocError(f"{name!r} is not callable: from_callable needs a Python function of x")
        self._function, self.name = function, name
        self.relative_error = 0.0
        self._takes_arrays = False
        self._takes_arrays = self._try_array()

    def __call__(self, x: FloatArray) -> FloatArray:
        """f(x), finite or infinite."""
        x = np.asarray(x, dtype=float)
        flat = x.ravel()
        out = self._by_array(flat) if self._takes_arrays else None
        if out is None:
            out = np.array([self._single(float(v)) for v in flat])
        bad = np.isnan(out)
        if bad.any():
            raise EocError(f"{self.name} returns nan at x = {float(flat[bad][0])!r}; it has to be a number for every x")
        return out.reshape(x.shape)

    def _try_array(self) -> bool:
        """Whether the function takes arrays and treats every element alike."""
        out = self._by_array(_TRIAL)
        if out is None:
            return False
        for i in (1, 3, 5):
            try:
                with np.errstate(all="ignore"):
                    alone = np.asarray(self._function(float(_TRIAL[i])))
                same = alone.size == 1 and np.isclose(float(alone.ravel()[0]), out[i], rtol=1e-3, atol=1e-300)
            except KeyboardInterrupt:
                raise
            except BaseException:
                continue  # it takes arrays only
            if not same and not np.isnan(out[i]):
                return False
        return True

    def _by_array(self, x: FloatArray) -> FloatArray | None:
        """f(x) in one call, or None if that fails: then the call for each x says why, and where."""
        try:
            with np.errstate(all="ignore"):
                out = np.asarray(self._function(x.copy()))
        except KeyboardInterrupt:
            raise
        except BaseException:  # also sys.exit and what is not derived from Exception
            return None
        if out.shape != x.shape or out.dtype.kind not in "fiub":
            return None
        self._note_precision(out.dtype)
        return out.astype(float)

    def _note_precision(self, dtype: np.dtype[Any]) -> None:
        if dtype.kind == "f" and dtype.itemsize < 8:
            self.relative_error = max(self.relative_error, _SINGLE if dtype.itemsize == 4 else _HALF)

    def _single(self, x: float) -> float:
        out = self._call_single(x)
        if isinstance(out, float | int):
            try:
                return float(out)
            except OverflowError:
                return float("inf") if out > 0 else float("-inf")
        at = f"{self.name} at x = {x!r} returns"
        try:
            value = np.asarray(out)
        except Exception as error:
            raise EocError(f"{at} {_short(out)}, which is not a number") from error
        if value.dtype.kind == "c":
            raise EocError(f"{at} the complex value {_short(out)}; it has to be real")
        if value.dtype.kind not in "fiub":
            raise EocError(f"{at} {_short(out)}, which is not a number")
        if value.size != 1:
            raise EocError(f"{at} an array of shape {value.shape}; it has to return one number for each x")
        self._note_precision(value.dtype)
        return float(value.ravel()[0])

    def _call_single(self, x: float) -> Any:
        try:
            with np.errstate(all="ignore"):
                try:
                    return self._function(x)
                except (TypeError, AttributeError, IndexError):
                    return self._function(np.array([x]))  # it takes arrays only
        except KeyboardInterrupt:
            raise
        except ZeroDivisionError:
            return float("inf")
        except OverflowError as error:
            if abs(x) > _FAR:
                return float("inf")
            raise self._failure(x, error) from error
        except BaseException as error:
            raise self._failure(x, error) from error

    def check_repeats(self) -> None:
        """Refuse what does not give the same value for the same x every time: it is no function."""
        first = self(_TRIAL)
        for _ in range(_REPEATS):
            again = self(_TRIAL)
            changed = np.flatnonzero(first != again)
            if changed.size:
                i = int(changed[0])
                raise EocError(
                    f"{self.name} is not a function of x: at x = {float(_TRIAL[i])!r} it gave {float(first[i])!r}, "
                    f"then {float(again[i])!r}; an activation must not draw random numbers or keep a state"
                )

    def _failure(self, x: float, error: BaseException) -> EocError:
        return EocError(f"{self.name} raises {type(error).__name__} at x = {x!r}: {error}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
