"""The usual initialisations, as the frameworks really draw them.

All of them draw independent weights; what a wide network makes of them depends on their variance only, not on their
law, so each is a pair (sigma_w, sigma_b).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from math import sqrt

from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.gains import he_gain, torch_gain

__all__ = ["USUAL", "Usual", "usual"]


@dataclass(frozen=True)
class Usual:
    """An initialisation of layers of equal width.

    Attributes
    ----------
    name, drawn
        What it is called, and how it is drawn.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan_in)) and of the biases.
    gain
        How sigma_w is written.
    """

    name: str
    drawn: str
    sigma_w: float
    sigma_b: float
    gain: str


def usual(names: str | Iterable[str], activation: Activation, width: int) -> tuple[Usual, ...]:
    """Usual initialisations of layers before an activation.

    Parameters
    ----------
    names
        Some of ``USUAL``, or their other names, as a list or separated by commas; "all" of them.
    activation
        Decides the gains of "kaiming" and "xavier".
    width
        fan_in and fan_out of every layer, on which PyTorch's biases depend.

    Raises
    ------
    EocError
        For a name that is not known, with a suggestion.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> [(each.name, round(each.sigma_w, 4), each.sigma_b) for each in usual("he, keras", activation("gelu"), 256)]
    [('kaiming', 1.4142, 0.0), ('keras', 1.0, 0.0)]
    """
    asked = [part.strip() for part in names.split(",")] if isinstance(names, str) else list(names)
    known = [_known(name) for name in asked]
    chosen = list(USUAL) if None in known else list(dict.fromkeys(name for name in known if name))
    return tuple(USUAL[name](activation, width) for name in chosen)


def _known(name: object) -> str | None:
    """The name in ``USUAL``; None for all."""
    key = str(name).lower().strip()
    if key == "all":
        return None
    found = _ALIASES.get(key, key)
    if found in USUAL:
        return found
    close = get_close_matches(key, [*USUAL, *_ALIASES], 1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(USUAL)}, or all"
    raise EocError(f"unknown initialisation {name!r}; {hint}")


def _kaiming(phi: Activation, _width: int) -> Usual:
    """He et al. (2015), arXiv:1502.01852."""
    sigma_w, written = he_gain(phi)
    return Usual("kaiming", "torch.nn.init.kaiming_normal_, biases 0", sigma_w, 0.0, written)


def _xavier(phi: Activation, _width: int) -> Usual:
    """Glorot & Bengio (2010), with the gain that PyTorch's documentation tells to take."""
    known = torch_gain(phi)
    written = {5.0 / 3.0: "5/3", sqrt(2.0): "sqrt(2)", 0.75: "3/4"}.get(known or 1.0, f"{known or 1.0:.6g}")
    drawn = "torch.nn.init.xavier_normal_ with calculate_gain" + ("" if known else ", which has none for it: 1")
    return Usual("xavier", f"{drawn}, biases 0", known or 1.0, 0.0, written)


def _lecun(_phi: Activation, _width: int) -> Usual:
    """LeCun et al. (1998); the truncated normal law of JAX is scaled to the variance 1 / fan_in."""
    return Usual("lecun", "lecun_normal, the default of Flax, biases 0", 1.0, 0.0, "1")


def _torch(_phi: Activation, width: int) -> Usual:
    """kaiming_uniform_(a=sqrt(5)): both are uniform on +-1 / sqrt(fan_in), whose variance is 1 / (3 fan_in)."""
    return Usual("torch", "the default of torch.nn.Linear", sqrt(1.0 / 3.0), sqrt(1.0 / (3.0 * width)), "1/sqrt(3)")


def _keras(_phi: Activation, _width: int) -> Usual:
    """glorot_uniform: the variance 2 / (fan_in + fan_out)."""
    return Usual("keras", "glorot_uniform, the default of Keras, biases 0", 1.0, 0.0, "1")


#: Every usual initialisation by name, as a function of the activation and of the width.
USUAL: dict[str, Callable[[Activation, int], Usual]] = {
    "kaiming": _kaiming,
    "xavier": _xavier,
    "lecun": _lecun,
    "torch": _torch,
    "keras": _keras,
}
_ALIASES = {
    "he": "kaiming",
    "kaiming_normal": "kaiming",
    "kaiming_normal_": "kaiming",
    "kaiming_uniform_": "kaiming",
    "xavier_normal_": "xavier",
    "xavier_uniform_": "xavier",
    "glorot": "xavier",
    "lecun_normal": "lecun",
    "flax": "lecun",
    "jax": "lecun",
    "pytorch": "torch",
    "glorot_uniform": "keras",
    "tensorflow": "keras",
}
