"""The activations with a name, as formulas that can be typed: what each is, with its parameters and their defaults.

A line here is all that a new activation needs: it has the name, can be used in formulas, and is evaluated as a formula.
Those for which :mod:`eoc.activations.named` has functions are evaluated by these, which tests compare.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ALIASES", "DEFINITIONS", "NOT_ELEMENTWISE", "Definition", "key", "shown"]


@dataclass(frozen=True)
class Definition:
    """A formula in x and parameters; ``parameters`` holds their defaults, ``positive`` those that have to be so."""

    formula: str
    parameters: Mapping[str, float]
    positive: frozenset[str] = frozenset()

    def with_values(self, parameters: Mapping[str, float]) -> str:
        """The formula in x alone.

        Examples
        --------
        >>> DEFINITIONS["silu"].with_values({"beta": 2.0}), DEFINITIONS["silu"].with_values({"beta": 1.0})
        ('x * sigmoid(2 * x)', 'x * sigmoid(x)')
        """
        text = self.formula
        for name, value in parameters.items():
            text = re.sub(rf"\b{name}\b", shown(value), text)
        return re.sub(r"(?<![*/^] )(?<![\w.*/^])1 \* (?=[\w(])", "", re.sub(r" ?/ ?1(?![\w.*])", "", text))


def shown(value: float) -> str:
    """A number as it stands in a formula: a short fraction where it is one, in brackets where it needs them.

    Examples
    --------
    >>> shown(2.0), shown(-0.5), shown(1 / 6)
    ('2', '(-0.5)', '(1/6)')
    """
    text = repr(float(value)).removesuffix(".0")
    if len(text) > _LONG:
        for below in range(3, 25):
            above = round(value * below)
            if above and above / below == value:
                return f"({above}/{below})"
    return f"({text})" if value < 0.0 else text


_LONG = 12


_TABLE = """
abs                         abs(x)
arctan                      arctan(x)
celu(alpha=1)               x if x > 0 else alpha * (exp(x/alpha) - 1)
cos                         cos(x)
elish                       x * sigmoid(x) if x > 0 else (exp(x) - 1) * sigmoid(x)
elu(alpha=1)                x if x > 0 else alpha * (exp(x) - 1)
erf                         erf(x)
exp                         exp(x)
gaussian                    exp(-x^2)
gelu                        x * Phi(x)
gelu_tanh                   x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3)))
hardshrink(threshold=0.5)   x if abs(x) > threshold else 0
hardsigmoid(slope=1/6)      clip(slope * x + 1/2, 0, 1)
hardswish                   x * clip(x + 3, 0, 6) / 6
hardtanh                    clip(x, -1, 1)
heaviside                   1 if x >= 0 else 0
identity                    x
leaky_relu(slope=0.01)      x if x > 0 else slope * x
lisht                       x * tanh(x)
logish                      x * log(1 + sigmoid(x))
logsigmoid                  -log(1 + exp(-x))
mish                        x * tanh(log(1 + exp(x)))
phish                       x * tanh(gelu(x))
prelu(slope=0.25)           x if x > 0 else slope * x
quick_gelu                  x * sigmoid(1.702 * x)
relu                        max(x, 0)
relu6                       clip(x, 0, 6)
relu_squared                max(x, 0)^2
rrelu(lower=1/8, upper=1/3) x if x > 0 else sqrt((lower^2 + lower * upper + upper^2)/3) * x
selu                        1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (exp(x) - 1))
serf                        x * erf(log(1 + exp(x)))
shifted_sign(threshold=1)   sign(x - threshold)
shifted_softplus            log(1 + exp(x)) - log(2)
sigmoid                     1 / (1 + exp(-x))
sign                        sign(x)
silu(beta=1)                x * sigmoid(beta * x)
sin                         sin(x)
smish                       x * tanh(log(1 + sigmoid(x)))
snake(a=1)                  x + sin(a * x)^2 / a
softplus(beta=1)            log(1 + exp(beta * x)) / beta
softshrink(threshold=0.5)   sign(x) * max(abs(x) - threshold, 0)
softsign                    x / (1 + abs(x))
sparse_plus                 max(x, 0) + max(1 - abs(x), 0)^2 / 4
sparse_sigmoid              clip((x + 1)/2, 0, 1)
squareplus(b=4)             (x + sqrt(x^2 + b)) / 2
star_relu(scale=0.8944, bias=-0.4472) scale * max(x, 0)^2 + bias
tanh                        tanh(x)
tanhexp                     x * tanh(exp(x))
tanhshrink                  x - tanh(x)
threshold(threshold=1, value=0) x if x > threshold else value
x_plus_half_tanh            x + tanh(x)/2
"""

_POSITIVE = {
    "celu": "alpha",
    "hardshrink": "threshold",
    "hardsigmoid": "slope",
    "silu": "beta",
    "snake": "a",
    "softplus": "beta",
    "softshrink": "threshold",
    "squareplus": "b",
}

_LINE = re.compile(r"(\w+)(?:\((.*?)\))? +(.+)")


def _value(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def _read(line: str) -> tuple[str, Definition]:
    name, parameters, formula = _LINE.fullmatch(line).groups()  # type: ignore[union-attr]
    defaults = dict(pair.split("=") for pair in (parameters or "").replace(" ", "").split(",") if pair)
    values = MappingProxyType({key: _value(value) for key, value in defaults.items()})
    return name, Definition(formula, values, frozenset(_POSITIVE.get(name, "").split()))


#: The activations whose formula has a fixed number of parameters.
DEFINITIONS: Mapping[str, Definition] = MappingProxyType(dict(map(_read, _TABLE.strip().splitlines())))


def key(name: str) -> str:
    """A name without what does not matter in it: case, spaces, hyphens, underscores.

    Examples
    --------
    >>> key("Leaky-ReLU") == key("leaky_relu")
    True
    """
    return re.sub(r"[\s_-]", "", name.lower())


#: Other names, as keys, of what is the same function.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "atan": "arctan",
        "exponential": "exp",
        "gelufast": "gelu_tanh",
        "gelunew": "gelu_tanh",
        "gelupytorchtanh": "gelu_tanh",
        "hardsilu": "hardswish",
        "linear": "identity",
        "logistic": "sigmoid",
        "quantizer": "quantiser",
        "relu2": "relu_squared",
        "sine": "sin",
        "squaredrelu": "relu_squared",
        "step": "heaviside",
        "swish": "silu",
        "telu": "tanhexp",
        "thresholdedrelu": "threshold",
    }
)

_OF_SEVERAL = "each of its outputs depends on several inputs, so it is no function of one x"
_AT_THE_END = "it ends a network: name the activation of the layers before it"
_GATE = "it multiplies two linear maps of its input, one of them after {}: give the name of that, '{}'"

#: What is called an activation and is none of each element alone, as keys: why, and what to use instead.
NOT_ELEMENTWISE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("softmax", "softmax2d", "softmin", "logsoftmax"), f"{_OF_SEVERAL}; {_AT_THE_END}"),
        **dict.fromkeys(("sparsemax", "logsumexp", "logmeanexp", "standardize", "multiheadattention"), _OF_SEVERAL),
        "maxout": f"{_OF_SEVERAL}; of two pieces with independent weights, abs(x) is closest",
        "crelu": f"{_OF_SEVERAL} or has several outputs; its halves are 'relu'",
        "glu": _GATE.format("a sigmoid", "sigmoid"),
        "swiglu": _GATE.format("a SiLU", "silu"),
        "geglu": _GATE.format("a GELU", "gelu"),
        "reglu": _GATE.format("a ReLU", "relu"),
        "bilinear": _GATE.format("nothing", "identity"),
    }
)
