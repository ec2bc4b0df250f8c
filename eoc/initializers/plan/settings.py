"""How a model is to be initialised: what users ask for, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any

from eoc.activations import Activation
from eoc.errors import EocError
from eoc.messages import did_you_mean, quoted, shortened
from eoc.operating_point import OperatingPoint
from eoc.validation import real_number

__all__ = ["Settings", "checked_settings"]

_WEIGHTS = ("recommended", "gaussian", "orthogonal")
_ENDS = ("stable", "zero", "keep")
_HEADS = ("variance", "mup", "zero", "keep")
_EMBEDDINGS = ("draw", "keep")
_OF_POINTS = ("sigma_w", "sigma_b", "q")


@dataclass(frozen=True)
class Settings:
    """The arguments of :func:`eoc.initializers.torch.initialize_` that decide how layers are drawn."""

    sigma_w: float | None = None
    sigma_b: float | None = None
    q: float | None = None
    depth: int | None = None
    weights: str = "recommended"
    input_variance: float = 1.0
    output_variance: float | None = 1.0
    residual: tuple[str, ...] = ()
    points: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    places: Mapping[Activation, OperatingPoint] = field(default_factory=dict)  # of shaped activations
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    ends: str = "stable"
    heads: str = "variance"
    embeddings: str = "draw"

    def is_recommended(self, phi: Activation) -> bool:
        """Whether no point was asked for, of an activation."""
        own = phi.name in self.points or phi in self.places
        return not own and self.sigma_w is None and self.sigma_b is None and self.q is None

    def leaves(self, name: str) -> bool:
        """Whether a parameter is left as it is, because that was asked for."""
        chosen = not self.only or any(_is_like(name, pattern) for pattern in self.only)
        return not chosen or any(_is_like(name, pattern) for pattern in self.skip)


def checked_settings(
    *,
    weights: Any,
    input_variance: Any,
    output_variance: Any,
    residual: Any,
    points: Any,
    only: Any,
    skip: Any,
    ends: Any,
    heads: Any,
    embeddings: Any,
    **point: Any,
) -> Settings:
    """Settings of what users typed, or an error that names what is wrong; ``point``: sigma_w, sigma_b, q and depth."""
    for name, value, known in (
        ("weights", weights, _WEIGHTS),
        ("ends", ends, _ENDS),
        ("heads", heads, _HEADS),
        ("embeddings", embeddings, _EMBEDDINGS),
    ):
        if value not in known:
            raise EocError(f"{name} must be one of {', '.join(map(repr, known))}; got {shortened(repr(value))}")
    return Settings(
        **point,
        weights=weights,
        input_variance=_variance("input_variance", input_variance),
        output_variance=None if output_variance is None else _variance("output_variance", output_variance),
        residual=_patterns("residual", residual),
        points=_points(points),
        only=_patterns("only", only),
        skip=_patterns("skip", skip),
        ends=ends,
        heads=heads,
        embeddings=embeddings,
    )


def _is_like(name: str, pattern: str) -> bool:
    """Whether a parameter, or the module that it is in, has a name like this."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def _variance(name: str, value: float) -> float:
    number = real_number(name, value)
    if not (isfinite(number) and number > 0.0):
        raise EocError(f"{name} must be a finite number > 0, got {number!r}")
    return number


def _patterns(name: str, given: Any) -> tuple[str, ...]:
    patterns = (given,) if isinstance(given, str) else given
    if not isinstance(patterns, Sequence) or not all(isinstance(pattern, str) for pattern in patterns):
        raise EocError(
            f"{name} must be a name of a layer, a pattern such as 'blocks.*.fc2' or a list of them; got "
            f"{shortened(repr(given))}"
        )
    return tuple(patterns)


def _points(points: Any) -> Mapping[str, Mapping[str, float]]:
    given = {} if points is None else points
    if not isinstance(given, Mapping) or not all(isinstance(place, Mapping) for place in given.values()):
        raise EocError(
            "points must say by the names of activations which point is meant, "
            f"{{'softplus': {{'sigma_w': 1.4, 'sigma_b': 0.0}}}}; got {shortened(repr(points))}"
        )
    for name, place in given.items():
        for key in place:
            if key not in _OF_POINTS:
                raise EocError(f"points: unknown {quoted(key)} for {name}; {did_you_mean(str(key), _OF_POINTS)}")
    return given
