"""Which positions the taps of a kernel see: padding, stride and shape, in any number of dimensions.

Of a kernel of size k at stride s, output position a sees s a - (k - 1) // 2 + d for d = 0, ..., k - 1 along every axis;
what lies beyond the edges is padded, as PyTorch does it with the padding (k - 1) / 2. Without padding it sees s a + d.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from eoc.errors import EocError, UnsupportedError
from eoc.floats import FloatArray, IntArray
from eoc.layers.pairs import Pairs
from eoc.machine import check_memory
from eoc.sharing import cached_property

__all__ = ["PADS", "Taps", "checked_pad", "over_taps", "taps"]

_Mode = Literal["wrap", "reflect", "edge", "constant"]

#: Ways of padding: what is taken for what lies beyond the edges, as NumPy calls it; None: there is no padding.
PADS: dict[str, _Mode | None] = {
    "circular": "wrap",
    "reflect": "reflect",
    "replicate": "edge",
    "zero": "constant",
    "none": None,
}


def checked_pad(pad: str) -> str:
    """A way of padding, or an error that lists them."""
    if pad not in PADS:
        close = difflib.get_close_matches(str(pad), PADS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise EocError(f"pad must be one of {', '.join(map(repr, PADS))}, got {pad!r}{hint}")
    return pad


@dataclass(frozen=True, eq=False)
class Taps:
    """A kernel over the S positions of an input.

    Attributes
    ----------
    index
        Which positions the padded ones are, of their shape; S where they are padded by zeros.
    kernel, stride
        Its size along every axis, and how far it moves.
    shape
        Of the output positions.
    places
        S.
    """

    index: IntArray
    kernel: tuple[int, ...]
    stride: int
    shape: tuple[int, ...]
    places: int

    @cached_property
    def seen(self) -> IntArray:
        """The positions that every output position sees, (outputs, taps); S for a zero."""
        window = np.lib.stride_tricks.sliding_window_view(self.index, self.kernel)
        every = window[tuple(slice(None, None, self.stride) for _ in self.kernel)]
        return every.reshape(prod(self.shape), -1)


@lru_cache(maxsize=64)
def taps(positions: tuple[int, ...], kernel: tuple[int, ...], pad: str, stride: int) -> Taps:
    """The taps of a kernel over positions of this shape.

    Raises
    ------
    UnsupportedError
        For a kernel that does not fit, or of another number of axes.

    Examples
    --------
    >>> taps((4,), (3,), "zero", 1).seen.tolist()
    [[4, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]
    >>> taps((5,), (3,), "circular", 2).seen.tolist()
    [[4, 0, 1], [1, 2, 3], [3, 4, 0]]
    """
    if len(kernel) != len(positions):
        raise UnsupportedError(f"a kernel of shape {kernel} does not go with positions of shape {positions}")
    mode = PADS[pad]
    for size, count in zip(kernel, positions, strict=True):
        most = 2 * count + 1 if mode == "constant" else count
        if size > most:
            raise UnsupportedError(
                f"the kernel {kernel} is larger than the input, which has positions {positions}: with pad={pad!r} it "
                f"can have at most {most} along an axis of {count}; take a smaller kernel, less pooling or stride"
            )
    if stride > min(positions):
        raise UnsupportedError(f"the stride {stride} is larger than the input, which has positions {positions}")
    places = prod(positions)
    index = np.arange(places).reshape(positions)
    if mode is not None:
        widths = [((size - 1) // 2, size // 2) for size in kernel]
        is_zero = mode == "constant"
        index = np.pad(index, widths, "constant", constant_values=places) if is_zero else np.pad(index, widths, mode)
    shape = tuple((count - size) // stride + 1 for count, size in zip(index.shape, kernel, strict=True))
    return Taps(index, kernel, stride, shape, places)


def over_taps(before: Pairs, after: Pairs, of: Taps, profile: FloatArray) -> csr_array:
    """What adds up, with these weights, all pairs that the taps of every pair see; all pairs of positions are known.

    It acts on values of the N pairs before, those of the P points with one that is padded by zeros, and 0 for two of
    these, (N + P + 1,).

    Raises
    ------
    EocError
        If it does not fit into memory.
    """
    taps_used = np.flatnonzero(profile.ravel())
    check_memory("a convolution of all pairs", 16.0 * after.size * taps_used.size, "follow equal positions only")
    return before.known.get(("taps", of, profile.tobytes()), lambda: _over_taps(before, after, of, profile, taps_used))


def _over_taps(before: Pairs, after: Pairs, of: Taps, profile: FloatArray, used: IntArray) -> csr_array:
    outputs, points = len(of.seen), before.points
    none = before.size + points  # of two that are padded
    where = np.empty((after.size, used.size), np.int32 if none < 2**31 and after.size * used.size < 2**31 else np.int64)
    input_a, position_a = np.divmod(after.first, outputs)
    input_b, position_b = np.divmod(after.second, outputs)
    for column, tap in zip(where.T, used, strict=True):
        a, b = of.seen[position_a, tap], of.seen[position_b, tap]
        is_a, is_b = a < of.places, b < of.places
        a, b = input_a * of.places + a, input_b * of.places + b
        first, second = np.minimum(a, b), np.maximum(a, b)
        column[:] = np.where(is_a & is_b, before.number(first, second), none)
        one = is_a != is_b
        column[one] = before.size + np.where(is_a, a, b)[one]
    ends = np.arange(after.size + 1) * used.size
    shares = np.tile(profile.ravel()[used], after.size)
    return csr_array((shares, where.ravel(), ends), shape=(after.size, none + 1))
