"""The errors a user can meet, all of them ``ValueError``: what was given, what is allowed, what to do."""

__all__ = [
    "AccuracyError",
    "AccuracyWarning",
    "EocError",
    "ExpressionError",
    "InitializationWarning",
    "NotPermissibleError",
    "UnsupportedError",
]


class EocError(ValueError):
    """Base class: an input that eoc cannot use."""


class ExpressionError(EocError):
    """A formula that cannot be read. ``column`` (from 1) says where; the message draws a caret under it.

    Examples
    --------
    >>> from eoc.errors import ExpressionError
    >>> print(ExpressionError("unknown name 'y'", "2 + y", 5))
    column 5: unknown name 'y'
      2 + y
          ^
    """

    _EXCERPT = 60

    def __init__(self, problem: str, text: str, column: int) -> None:
        self.problem = problem
        self.column = column
        start = max(0, column - 1 - self._EXCERPT // 2)
        excerpt = text[start : start + self._EXCERPT].replace("\n", " ").replace("\t", " ")
        caret = " " * (column - 1 - start) + "^"
        super().__init__(f"column {column}: {problem}\n  {excerpt}\n  {caret}")


class NotPermissibleError(EocError):
    """The activation breaks a condition of Long & Sedghi (2019), so a Gaussian expectation does not exist."""


class UnsupportedError(EocError):
    """What no formula is known for: the message says which layer, why, and what to do; ``place`` names the layer."""

    def __init__(self, problem: str, place: str = "") -> None:
        self.place = place
        super().__init__(f"{place}: {problem}" if place else problem)


class AccuracyError(EocError):
    """A number could not be computed to the accuracy that is promised for it."""


class InitializationWarning(UserWarning):
    """What no initialisation of a model can mend: the message says what is wrong with it and what to do."""


class AccuracyWarning(UserWarning):
    """A number is less accurate than usual; its error bound says by how much."""
