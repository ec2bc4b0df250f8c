"""What the tasks share: parameters that several take, and how outputs are described and gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeVar

from eoc.messages import quoted
from eoc.sweeps.task import Output, Parameter, Values

__all__ = [
    "ACTIVATION",
    "NETWORK",
    "NO_YES",
    "OF_FREE",
    "ONE_END",
    "ONE_MINUS_C",
    "SEED",
    "SIGMA_B",
    "SIGMA_W",
    "C",
    "Q",
    "along",
    "always",
    "free_problems",
    "increasing",
    "sigma_problems",
    "with_errors",
]

T = TypeVar("T")

NO_YES = ("no", "yes")
ONE_END = "left out: as wherever variances end, if that is the same for all inputs"

ACTIVATION = Parameter("activation", "activation function", "activation", r"\phi", required=True)
NETWORK = ACTIVATION.but(networks="any")
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
OF_FREE = "left out only where no network has a dense without numbers"
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


def free_problems(values: Values) -> Iterable[tuple[str, str]]:
    """The problem of networks without a free ``dense``, where it is varied or solved for.

    Examples
    --------
    >>> list(free_problems({"activation": ("tanh", "preln", "relu, dense(1)")}))
    [('activation', "every dense of 'relu, dense(1)' has numbers: leave those of one out, it has sigma_w and sigma_b")]
    """
    from eoc.layers import is_network, network

    for text in filter(is_network, values.get("activation", ())):
        if not network(text).is_free:
            yield (
                "activation",
                f"every dense of {quoted(text)} has numbers: leave those of one out, it has sigma_w and sigma_b",
            )


def sigma_problems(values: Values, needed: bool = True) -> Iterable[tuple[str, str]]:
    """The problems of sigmas that are given to networks without a free ``dense``, or not given to those with one.

    ``needed`` says whether activations need sigma_w, too.

    Examples
    --------
    >>> list(sigma_problems({"activation": ("tanh", "mlp_layernorm"), "sigma_w": (1.2,)}))
    []
    >>> list(sigma_problems({"activation": ("postln",)}))
    [('sigma_w', "it is missing: 'postln' has a dense without numbers")]
    """
    from eoc.layers import is_network, network

    if "sigma_w" in values:
        yield from free_problems(values)
        return
    for text in values.get("activation", ()):
        if is_network(text) and network(text).is_free:
            yield "sigma_w", f"it is missing: {quoted(text)} has a dense without numbers"
        elif needed and not is_network(text):
            yield "sigma_w", f"it is missing: {quoted(text)} is an activation, of layers with sigma_w"
        elif is_network(text) and any(value != 0.0 for value in values.get("sigma_b", ())):
            yield "sigma_b", f"every dense of {quoted(text)} has numbers: leave sigma_b out"
        else:
            continue
        return
