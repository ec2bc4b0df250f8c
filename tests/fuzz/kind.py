"""What a kind of input is, and the inputs that are numbered."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Kind"]


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes
    ----------
    name
        What --only takes.
    draw
        Makes an input: a text that can be tried by hand, such as a command line.
    check
        Tries an input, and returns what is wrong with what happened; nothing if all is well.
    """

    name: str
    draw: Callable[[random.Random], str]
    check: Callable[[str], list[str]]

    def input(self, seed: int, number: int) -> str:
        """The input of that number, which no other one decides."""
        return self.draw(random.Random(f"{self.name} {seed} {number}"))
