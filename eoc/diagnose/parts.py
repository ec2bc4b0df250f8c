"""Sentences on attention, residual branches and position embeddings."""

from __future__ import annotations

from collections.abc import Sequence

from eoc.diagnose.attention import Attention
from eoc.diagnose.residual import Drowned

__all__ = ["of_attention", "of_sums"]

_EVEN = 0.9  # of the evenness, above which tokens count alike
_LEFT = 0.1  # of the power of the values, below which they are averaged away
_ONE = 0.9  # of all weight, which one token has
_FEW = 3  # names that are listed


def of_attention(found: Sequence[Attention]) -> list[str]:
    """Whether attention averages tokens away, or looks at one."""
    out = []
    even = [one for one in found if one.evenness > _EVEN and one.kept < _LEFT]
    if even:
        kept = min(one.kept for one in even)
        out.append(
            f"{_names([one.name for one in even])}: attention averages away the tokens: {even[0].tokens} "
            f"count nearly alike, and {kept:.2g} of the power of the values is left. Larger queries and keys tell them "
            "apart."
        )
    single = [one for one in found if one.largest > _ONE]
    if single:
        largest = max(one.largest for one in single)
        out.append(
            f"{_names([one.name for one in single])}: attention attends to one token: the largest of "
            f"{single[0].tokens} weights is {largest:.2g} on average. Smaller queries and keys let it see the others."
        )
    return out


def of_sums(found: Sequence[Drowned]) -> list[str]:
    """Which parts of sums are too small to be seen."""
    out = []
    for what, said in _SAID.items():
        mine = [one for one in found if one.what == what]
        if mine:
            worst = min(mine, key=lambda one: one.ratio)
            names = _names([one.part for one in mine])
            out.append(f"{names}: {said.format(ratio=worst.ratio, part=worst.part)}")
    return out


_DRAWN = "To draw them with their share of it: from eoc.initializers.torch import initialize_; initialize_(model)"
_SAID = {
    "branch": "the residual trunk drowns its branches: they add {ratio:.2g} of its power at the least. " + _DRAWN,
    "trunk": "residual branches drown the trunk: it has {ratio:.2g} of their power at the least. " + _DRAWN,
    "parameter": "what is added, as positions are, is not seen: it has {ratio:.2g} of the power of the rest. "
    'To draw it as large as a trunk of variance 1: torch.nn.init.normal_(model.get_parameter("{part}"))',
}


def _names(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    rest = len(unique) - _FEW
    return ", ".join(unique[:_FEW]) + (f" and {rest} more" if rest > 0 else "")
