"""Whether a model is fit to be trained, as was measured or is foreseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite, log10

__all__ = ["problems_of", "problems_of_gradients"]

_DECADE = 10.0


def problems_of(output: float, asked: float | None, gradients: Mapping[str, float]) -> tuple[str, ...]:
    """What is off by more than a decade, in sentences.

    Parameters
    ----------
    output, asked
        The mean square of the outputs, and what was asked for; None if nothing was.
    gradients
        See :func:`problems_of_gradients`.

    Examples
    --------
    >>> problems_of(1.2, 1.0, {"a": 1.0, "b": 2.0})
    ()
    >>> problems_of(1e6, 1.0, {"a": 1e-9, "b": 2.0})[0]
    'the output has a root mean square of 1e+03, where 1 was asked for'
    """
    return (*_of_output(output, asked), *problems_of_gradients(gradients))


def _of_output(output: float, asked: float | None) -> Iterator[str]:
    if not isfinite(output):
        yield "the output is not finite"
    elif output == 0.0:
        yield "the output is zero"
    elif asked and not _DECADE**-2 <= output / asked <= _DECADE**2:
        yield f"the output has a root mean square of {output**0.5:.3g}, where {asked**0.5:.3g} was asked for"


def problems_of_gradients(gradients: Mapping[str, float]) -> Iterator[str]:
    """The same of |dL/dW| of each weight and table, in the order of the computation."""
    wrong = [name for name, size in gradients.items() if not isfinite(size)]
    if wrong:
        yield f"the gradient of {wrong[0]} is not finite"
    known = {name: size for name, size in gradients.items() if isfinite(size) and size > 0.0}
    if len(known) < 2 or wrong:
        return
    (first, early), (last, late) = next(iter(known.items())), list(known.items())[-1]
    ratio = early / late
    if not 1.0 / _DECADE <= ratio <= _DECADE:
        what = "vanish" if ratio < 1.0 else "explode"
        yield (
            f"gradients {what} on the way back: that of {first} has 10^{log10(ratio):.1f} times the norm of that of "
            f"{last}"
        )
