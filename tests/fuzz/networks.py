"""Random networks of layers as text, some of them broken: read, and what becomes of two inputs computed.

What is computed has to make sense: no NaN, covariances within Cauchy-Schwarz, and inputs that are equal stay equal
unless there is noise. What is not is refused by the column of the text or by the place in the network.
"""

from __future__ import annotations

import random
import re
import traceback
import warnings

import numpy as np

from eoc.errors import AccuracyWarning, EocError, ExpressionError, UnsupportedError
from eoc.layers import PRESETS, Input, Signal, is_network, network
from eoc.layers.unsolved import parts_of

from .kind import Kind
from .watch import TooLongError, watched

__all__ = ["KIND", "TAME", "drawn"]

_DENSE = ("dense(1, 0.1)", "dense(sqrt(2))", "dense(0.8)", "dense(sigma_w=1.2, sigma_b=0.3)")
_OTHER = ("layernorm", "layernorm(0.01)", "rmsnorm", "rmsnorm(eps=0.1)", "dropout(0.2)", "noise(1.3)", "scale(0.7)")
_PHI = ("tanh", "relu", "gelu", "erf", "softplus", "elu(0.5)", "x*tanh(x)", "'0.5*x + sin(x)'", "max(x, 0.1*x)")
#: Layers and activations, most of these with a dense layer behind, as theory has them.
TAME = (*_DENSE, *_OTHER, *("tanh", "relu", "gelu"), *(f"{phi}, dense(1.1, 0.2)" for phi in _PHI))
_STEEP = ("sign", "x^3", "exp(-x^2)", "abs", "1/(1+x^2)")
_SURROGATES = ("ste(sign, hardtanh)", "ste(heaviside, 'clip(x, 0, 1)')", "ste(tanh, identity)", "ste(sign, sign)")
_CELLS = (
    "input(0.4, 0.3)",
    "input(1)",
    "attention(2, 1.1)",
    "attention(3, beta=1)",
    "minimalrnn(1.1, 0.8, 0.3)",
    "gru(1.2, 0.7, c=0.5)",
)
_PLACED = ("conv(3, 1.2)", "conv(3, 1, pad='zero')", "conv(3)", "conv(2, 1.1, 0.2, pad='none')", "flatten", "avgpool")
_LEAVES = (
    *TAME,
    *_PHI,
    *_STEEP,
    *_SURROGATES,
    "batchnorm(8)",
    "dense(1, pruned=0.3)",
    "dense",
    "dense()",
    "identity",
    "scale(-1)",
    "silu",
    *_CELLS,
    *_PLACED,
)
_NUMBERS = ("1", "0.5", "sqrt(2)", "1/3", "0.9", "1/sqrt(L)", "1/l", "pi/4", "2**-0.5")
_STRANGE = (
    *("0", "-1", "1e-300", "1e300", "1e999", "nan", "inf", "1e50", "1e-160", "1e75", "0/0", "l", "L", "10**400", "1j"),
    *("'1'", "True", "None", "x", "sqrt(-1)", "1e5", "9" * 400, "-0.0", "1/(l-1)", "(1, 2)", "lambda: 1", "...", "²"),
)
_TOKENS = (
    *"(),='\"+-*/^.:[]{}#\\ \n\t\0é²\u2212\uff0c\uff08",
    *("residual(", "gate(", "repeat(", "repeat(1e9, ", "dense", "scale=", "skip=nan", "x", "tahn", "layer_norm", "**"),
    *("1e999", "lambda", "\u202e", "\ud800", "if", "__import__('os')", ", ,", "..", "l", "L", "softmax", "maxpool"),
)
_DEEPEST = 3


def drawn(rng: random.Random, depth: int = _DEEPEST, leaves: tuple[str, ...] = _LEAVES) -> str:
    """A network of the grammar, items inside of each other at most so deep."""
    return ", ".join(_item(rng, depth, leaves) for _ in range(rng.randint(1, 3)))


def _item(rng: random.Random, depth: int, leaves: tuple[str, ...]) -> str:
    if depth == 0 or rng.random() < 0.4:
        return rng.choice(leaves)

    def inner() -> str:
        return drawn(rng, depth - 1, leaves)

    def ways() -> str:
        return "".join(f", {name}={rng.choice(_NUMBERS)}" for name in ("skip", "scale") if rng.random() < 0.4)

    def branch() -> str:
        return f"({rng.choice(('dense(1)', 'dense(0.9, 0.2)'))}, {inner()})" if rng.random() < 0.8 else f"({inner()})"

    make = (
        lambda: f"{rng.choice(('residual', 'prenorm', 'postnorm'))}({inner()}{ways()})",
        lambda: f"{rng.choice(('gate', 'sum'))}({', '.join(branch() for _ in range(rng.choice((2, 2, 3))))})",
        lambda: f"mixture({', '.join(f'({inner()})' for _ in range(rng.choice((2, 3))))})",
        lambda: f"repeat({rng.choice('1223')}, {inner()})",
        lambda: f"({inner()})",
    )
    return rng.choices(make, (4, 2, 2, 2, 1))[0]()


def _draw(rng: random.Random) -> str:
    text = drawn(rng, rng.randint(1, _DEEPEST)) if rng.random() < 0.95 else rng.choice(list(PRESETS))
    if rng.random() < 0.6:
        text += f", dense({rng.choice(_NUMBERS)})"
    return _broken(rng, text) if rng.random() < 0.4 else text


def _broken(rng: random.Random, text: str) -> str:
    for _ in range(rng.choice((1, 1, 2, 4))):
        i, j = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        change = rng.choices(("number", "insert", "drop", "cut", "letter", "deep", "again"), (8, 4, 3, 1, 2, 1, 1))[0]
        if change == "number":
            found = list(re.finditer(r"(?<![\w.])\d[\w.*]*", text))
            if found:
                i, j = rng.choice(found).span()
                text = text[:i] + rng.choice(_STRANGE) + text[j:]
        elif change == "insert":
            text = text[:i] + rng.choice(_TOKENS) + text[i:]
        elif change == "letter":
            text = text[:i] + rng.choice("abcdelrs") + text[i + 1 :]
        elif change == "deep":
            times = rng.choice((5, 50, 70, 300))
            text = rng.choice(("residual(", "(", "repeat(2, ")) * times + text + ")" * times
        else:
            text = {"drop": text[:i] + text[i + 1 :], "cut": text[:i] + text[j:], "again": f"{text}, {text}"}[change]
    return text


def _check(text: str) -> list[str]:
    try:
        with watched(), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", AccuracyWarning)
            return _tried(text)
    except KeyboardInterrupt:
        return []  # it took long, and could be stopped
    except TooLongError:
        return ["does not end"]
    except Exception:
        return [traceback.format_exc(limit=-3)]


def _tried(text: str) -> list[str]:
    """What is wrong with what is said of a network."""
    is_network(text)
    try:
        found = network(text)
    except ExpressionError as error:
        return _unclear(str(error)) + [f"column {error.column}"] * (not 1 <= error.column <= len(text) + 1)
    try:
        block = found.block(*((1.1, 0.2) if found.is_free else ()), surrogates=True)
        pair, same = block(Input([0.7, 1.9], [0.6])), block(Input([0.7, 0.7], [0.0]))
        problems = _wrong(pair) + _wrong(same) + _ahead(pair, np.array([0.7, 1.9]))
        if found.is_free and found.free_is_last and not found.varies:
            problems += _solved(found.unsolved(np.array([0.7, 1.9]), surrogates=True), pair)
        if not re.search("dropout|noise|input|rnn|gru", text):
            problems += _apart(same)
    except UnsupportedError as error:
        return _unclear(str(error)) + [f"refused without its place: {error}"] * (not error.place)
    except EocError as error:
        return _unclear(str(error))
    return problems


def _wrong(x: Signal) -> list[str]:
    """What cannot be of any signal."""
    found = {name: getattr(x, name) for name in ("q", "m", "G", "chi", "dq", "dm")}
    if np.isfinite(x.chi.value).all():
        found["T"] = x.T  # which is refused behind jumps
    problems = [
        f"{name} = {one.value} +- {one.error}"
        for name, one in found.items()
        if np.isnan(one.value).any() or not (one.error >= 0.0).all() or (name in "qmG" and np.isinf(one.value).any())
    ]
    most, k = np.sqrt(x.q.value).prod(), x.k
    if (np.abs(k.value) > most * (1.0 + 1e-12) + k.error + 1e-300).any():
        problems.append(f"covariance {k.value} +- {k.error} of variances {x.q.value}")
    if (x.G.value < -x.G.error).any():
        problems.append(f"G = {x.G.value} +- {x.G.error}")
    return problems


def _apart(same: Signal) -> list[str]:
    """How equal inputs come apart."""
    problems = []
    if (np.abs(same.G.value) > same.G.error + 1e-15 * same.q.value[0]).any():
        problems.append(f"equal inputs have G = {same.G.value} +- {same.G.error}")
    if np.isfinite(same.chi.value).all():
        off = np.abs(same.T.value - same.chi.value[:1])
        if (off > same.T.error + same.chi.error[:1]).any():
            problems.append(f"equal inputs have T = {same.T.value} and chi = {same.chi.value}")
    return problems


def _ahead(x: Signal, q: np.ndarray) -> list[str]:
    """Where tangents are not ahead of the signal by what is said."""
    if not np.isfinite(x.chi.value).all():
        return []
    direct, rounding = q * x.chi.value - x.q.value, 1e-15 * (q * x.chi.value + x.q.value)
    off = np.abs(x.gap.value - direct) > x.gap.error + q * x.chi.error + x.q.error + rounding
    return [f"gap = {x.gap.value} +- {x.gap.error}, q chi - q' = {direct}"] if off.any() else []


def _solved(y: Signal, x: Signal) -> list[str]:
    """How what is affine in the sigmas of the free dense differs from what is behind it with these, 1.1 and 0.2."""
    problems = []
    for name in ("q", "chi", "dq", "gap"):
        fixed, weight, bias = parts_of(getattr(y, name))
        mine, other = fixed + weight * 1.1**2 + bias * 0.2**2, getattr(x, name)
        known = np.isfinite(other.value) & np.isfinite(mine.error)
        off = np.abs(mine.value - other.value) > mine.error + other.error + 1e-15 * np.abs(other.value)
        problems += [f"{name} = {mine.value} from its parts, {other.value}"] * bool((off & known).any())
    return problems


def _unclear(message: str) -> list[str]:
    bad = not message.strip() or re.search(r"Traceback|object at 0x|numpy\.", message)
    return [f"the error says {message!r}"] if bad else []


KIND = Kind("networks", _draw, _check)
