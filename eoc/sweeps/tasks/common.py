"""What the tasks share: parameters that several take, and how outputs are described and gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeVar

from eoc.sweeps.task import Output, Parameter, Values

__all__ = [
    "ACTIVATION",
    "NO_YES",
    "ONE_END",
    "ONE_MINUS_C",
    "SEED",
    "SIGMA_B",
    "SIGMA_W",
    "C",
    "Q",
    "along",
    "always",
    "increasing",
    "with_errors",
]

T = TypeVar("T")

NO_YES = ("no", "yes")
ONE_END = "left out: as wherever variances end, if that is the same for all inputs"

ACTIVATION = Parameter("activation", "activation function", "activation", r"\phi", required=True)
SIGMA_B = Parameter(
    "sigma_b", "standard deviation of the biases", symbol=r"\sigma_b", least=0.0, most=1e100, default=0.0
)
SIGMA_W = SIGMA_B.but(
    name="sigma_w",
    about="standard deviation of the weights times sqrt(fan_in)",
    symbol=r"\sigma_w",
    default=None,
    required=True,
    eoc=True,
)
Q = Parameter(
    "q", "variance of the first layer", symbol="q", least=0.0, most=1e100, above=True, note="left out: what layers keep"
)
C = Parameter("c", "correlation of the two inputs in the first layer", symbol="c", least=-1.0, most=1.0)
ONE_MINUS_C = Parameter(
    "one_minus_c", "1 - c of the two inputs in the first layer", symbol="1 - c", least=0.0, most=2.0
)
SEED = Parameter(
    "seed", "seed that the random numbers of a point follow from", "whole", least=0, most=2.0**53, default=0
)


def always(value: T) -> Callable[[object], T]:
    """A function of whatever that returns the value: what is the same for all points or configurations of a task.

    Examples
    --------
    >>> always(0.5)({"sigma_b": 0.1})
    0.5
    """
    return lambda given: value


def along(*dims: str, **rows: str | tuple[Any, ...]) -> dict[str, Output]:
    """Outputs with these dimensions by name, each given by what it is, or by that, its symbol and what it is read from.

    Examples
    --------
    >>> along("layer", rms=("rms of the networks", "s"), rms_error="standard error of rms")["rms"].dims
    ('layer',)
    """
    found = {name: Output(*((row,) if isinstance(row, str) else row)) for name, row in rows.items()}
    return {name: output.but(dims=dims) for name, output in found.items()}


def with_errors(outputs: Mapping[str, Output]) -> dict[str, Output]:
    """Every output followed by one for the bound on its error, NAME_error.

    Examples
    --------
    >>> found = with_errors({"q": Output("variance")})
    >>> list(found), found["q_error"].about
    (['q', 'q_error'], 'bound on the absolute error of q')
    """
    found: dict[str, Output] = {}
    for name, output in outputs.items():
        read = f"{output.read}_error" if output.read and isinstance(output.read, str) else ""
        error = Output(f"bound on the absolute error of {name}", read=read, units=output.units, dims=output.dims)
        found |= {name: output, f"{name}_error": error}
    return found


def increasing(values: Values, name: str) -> Iterable[tuple[str, str]]:
    """The problem of numbers that do not increase.

    Examples
    --------
    >>> list(increasing({"depth": (1, 10, 5)}, "depth"))
    [('depth', 'the values must increase, but 10 is followed by 5')]
    """
    given = values.get(name, ())
    for before, after in pairwise(given):
        if not after > before:
            yield name, f"the values must increase, but {before!r} is followed by {after!r}"
            return
