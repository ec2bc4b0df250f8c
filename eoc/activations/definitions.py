"""The activations with a name, as formulas that can be typed: what each is, with its parameters and their defaults.

A line here is all that a new activation needs: it has the name, can be used in formulas, is evaluated as a formula, and
is known under the names behind the bar in PyTorch, JAX, Flax and Keras. Names that take parameters there stand in
:mod:`eoc.activations.argument.terms`, with the defaults that the framework has.
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
    """A formula in x and parameters; ``parameters`` holds their defaults, ``positive`` those that have to be so.

    ``called`` holds the names of the function without parameters by framework: "torch", "jax" and "keras" for
    functions, "torch.nn" and "keras.layers" for classes.
    """

    formula: str
    parameters: Mapping[str, float]
    positive: frozenset[str]
    called: Mapping[str, tuple[str, ...]]

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
abs                         abs(x)                     | torch/jax abs
arctan                      arctan(x)                  | torch arctan atan, jax arctan
bireal                      clip(x, -1, 1) * (2 - abs(clip(x, -1, 1)))
celu(alpha=1)               x if x > 0 else alpha * (exp(x/alpha) - 1)
cos                         cos(x)                     | torch/jax cos
elish                       x * sigmoid(x) if x > 0 else (exp(x) - 1) * sigmoid(x)
elu(alpha=1)                x if x > 0 else alpha * (exp(x) - 1)
erf                         erf(x)                     | torch erf special_erf, jax erf
exp                         exp(x)                     | torch/jax exp, keras exponential
gaussian                    exp(-x^2)
gelu                        x * Phi(x)
gelu_tanh                   x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3)))
hardshrink(threshold=0.5)   x if abs(x) > threshold else 0
hardsigmoid(slope=1/6)      clip(slope * x + 1/2, 0, 1) | torch hardsigmoid Hardsigmoid, jax/keras hard_sigmoid
hardswish                   x * clip(x + 3, 0, 6) / 6  | torch hardswish Hardswish, jax/keras hard_silu hard_swish
hardtanh                    clip(x, -1, 1)             | jax/keras hard_tanh
heaviside                   1 if x >= 0 else 0
identity                    x                          | torch Identity, jax identity, keras linear Identity
leaky_relu(slope=0.01)      x if x > 0 else slope * x
lisht                       x * tanh(x)
logish                      x * log(1 + sigmoid(x))
logsigmoid                  -log(1 + exp(-x))          | torch log_sigmoid logsigmoid LogSigmoid, jax/keras log_sigmoid
mish                        x * tanh(log(1 + exp(x)))  | torch mish Mish, jax/keras mish
phish                       x * tanh(gelu(x))
prelu(slope=0.25)           x if x > 0 else slope * x
quick_gelu                  x * sigmoid(1.702 * x)
relu                        max(x, 0)                  | torch relu ReLU, jax relu
relu6                       clip(x, 0, 6)              | torch relu6 ReLU6, jax/keras relu6
relu_squared                max(x, 0)^2
rrelu(lower=1/8, upper=1/3) x if x > 0 else sqrt((lower^2 + lower * upper + upper^2)/3) * x
selu 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (exp(x) - 1)) | torch selu SELU, jax/keras selu
serf                        x * erf(log(1 + exp(x)))
shifted_sign(threshold=1)   sign(x - threshold)
shifted_softplus            log(1 + exp(x)) - log(2)
sigmoid                     1 / (1 + exp(-x))          | torch sigmoid Sigmoid, jax/keras sigmoid
sign                        sign(x)                    | torch/jax sign
silu(beta=1)                x * sigmoid(beta * x)      | torch silu SiLU, jax/keras silu swish
sin                         sin(x)                     | torch/jax sin
smish                       x * tanh(log(1 + sigmoid(x)))
snake(a=1)                  x + sin(a * x)^2 / a
softplus(beta=1)            log(1 + exp(beta * x)) / beta | jax/keras softplus
softshrink(threshold=0.5)   sign(x) * max(abs(x) - threshold, 0)
softsign                    x / (1 + abs(x))           | torch softsign Softsign, jax softsign soft_sign, keras softsign
sparse_plus                 max(x, 0) + max(1 - abs(x), 0)^2 / 4 | jax/keras sparse_plus
sparse_sigmoid              clip((x + 1)/2, 0, 1)      | jax/keras sparse_sigmoid
squareplus(b=4)             (x + sqrt(x^2 + b)) / 2
star_relu(scale=0.8944, bias=-0.4472) scale * max(x, 0)^2 + bias
tanh                        tanh(x)                    | torch tanh Tanh, jax/keras tanh
tanhexp                     x * tanh(exp(x))
tanhshrink                  x - tanh(x)                | torch tanhshrink Tanhshrink, keras tanh_shrink
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

_LINE = re.compile(r"(\w+)(?:\((.*?)\))? +(.+?)(?: +\| (.*))?")
_FRAMEWORKS = ("torch", "jax", "keras")
_CLASSES = {"torch": "torch.nn", "keras": "keras.layers"}


def _value(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def _read(line: str) -> tuple[str, Definition]:
    name, parameters, formula, frameworks = _LINE.fullmatch(line).groups()  # type: ignore[union-attr]
    defaults = dict(pair.split("=") for pair in (parameters or "").replace(" ", "").split(",") if pair)
    values = MappingProxyType({key: _value(value) for key, value in defaults.items()})
    return name, Definition(formula, values, frozenset(_POSITIVE.get(name, "").split()), _called(frameworks or ""))


def _called(text: str) -> Mapping[str, tuple[str, ...]]:
    """For example "torch mish Mish, jax/keras mish": names that begin with a capital are those of classes."""
    found: dict[str, tuple[str, ...]] = {}
    for frameworks, *names in (part.split() for part in text.split(", ") if part):
        for framework in frameworks.split("/"):
            if framework not in _FRAMEWORKS:
                raise ValueError(f"no framework is called {framework!r}")
            for one in names:
                family = _CLASSES.get(framework, framework) if one[0].isupper() else framework
                found[family] = (*found.get(family, ()), one)
    return MappingProxyType(found)


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
        "approxsign": "bireal",
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
