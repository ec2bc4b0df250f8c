"""What an initialisation set, and what it left alone and why."""

from __future__ import annotations

from dataclasses import dataclass

from eoc.errors import EocError
from eoc.operating_point import OperatingPoint

__all__ = ["Report", "Row"]

_COLUMNS = ("parameter", "rule", "drawn", "fan in", "takes in", "measured", "then")
_RIGHT = ("fan in", "takes in", "measured")
_LONGEST = 24  # characters of the name of an activation in the table
_WIDEST = 110  # of a line of the table with its note


@dataclass(frozen=True)
class Row:
    """What happened to one parameter, or to a part of one.

    Attributes
    ----------
    parameter
        Its name, as in ``model.named_parameters(remove_duplicate=False)``.
    part
        "" for all of it, else for example "rows 0 to 63".
    rule
        Which of the rules decided, see :data:`eoc.initializers.torch.RULES`; "left" if it was not touched.
    std
        Of the normal numbers, or of the entries of the orthogonal matrix, that it was filled with; None for constants.
    value
        The constant that it was filled with, or the largest of time scales.
    method
        "normal", "orthogonal", "constant" or "scales"; "" if it was left.
    fan_in
        Of a weight: how many terms are summed, zeros of padding left out where sizes are known, on average.
    power
        Of a weight: the mean square of what the layer takes in; None if unknown.
    measured
        Of a weight, where a batch was given: the mean square of what its layer takes in.
    activation
        Name of the activation that follows; "" if none does.
    note
        Why it was left, and what else a reader should know.
    """

    parameter: str
    rule: str
    part: str = ""
    std: float | None = None
    value: float | None = None
    method: str = ""
    fan_in: float | None = None
    power: float | None = None
    measured: float | None = None
    activation: str = ""
    note: str = ""

    @property
    def is_set(self) -> bool:
        """Whether it was filled."""
        return self.method != ""


@dataclass(frozen=True)
class Report:
    """What :func:`eoc.initializers.torch.initialize_` did. ``print`` it.

    Attributes
    ----------
    rows
        One for every parameter of the model, in the model's order; several where parts of one were filled apart.
    points
        The points that layers before activations were drawn at.
    depth
        Layers of the network that points were recommended for; None where all points were given.
    notes
        What holds for the whole model: that it could not be traced, that it has dropout.
    rules
        The rules that were applied.
    problems
        What no initialisation mends, and what is off by more than a decade, measured if a batch was given: outputs,
        gradients of the first weight beside those of the last. () for a healthy model.
    """

    rows: tuple[Row, ...]
    points: tuple[OperatingPoint, ...]
    depth: int | None
    notes: tuple[str, ...]
    rules: str
    problems: tuple[str, ...] = ()

    def assert_healthy(self) -> None:
        """Do nothing if the model is fit to be trained, as far as is known; with a batch it was measured.

        Raises
        ------
        EocError
            With all ``problems``.
        """
        if self.problems:
            raise EocError("; ".join(self.problems))

    @property
    def set(self) -> tuple[Row, ...]:
        """What was filled."""
        return tuple(row for row in self.rows if row.is_set)

    @property
    def left(self) -> tuple[Row, ...]:
        """What was left alone, with the reason in ``note``."""
        return tuple(row for row in self.rows if not row.is_set)

    def __str__(self) -> str:
        """The rules, the points, a line for each parameter, and the notes, also those too long for such a line."""
        table = [_COLUMNS, *map(_cells, self.rows)]
        if all(row.measured is None for row in self.rows):
            at = _COLUMNS.index("measured")
            table = [line[:at] + line[at + 1 :] for line in table]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(_aligned, line, widths, table[0])) for line in table]
        marks: dict[str, str] = {}
        for at, row in enumerate(self.rows, 1):
            long = len(lines[at]) + 2 + len(row.note) > _WIDEST
            lines[at] += "  " + (marks.setdefault(row.note, f"({len(marks) + 1})") if row.note and long else row.note)
        lines = [line.rstrip() for line in lines]
        counts = f"{len(self.set)} set, {len(self.left)} left"
        below = [*(f"{mark} {note}" for note, mark in marks.items()), *(f"note: {note}" for note in self.notes)]
        parts = [[self.rules], [_said(place) for place in self.points], lines, [counts, *below]]
        return "\n\n".join("\n".join(part) for part in parts if part)


def _said(place: OperatingPoint) -> str:
    where = "on the edge of chaos" if place.chi_1 == 1.0 else f"off the edge of chaos: chi_1 = {place.chi_1:.4g}"
    sigmas = f"sigma_w = {place.sigma_w:.6g}, sigma_b = {place.sigma_b:.6g}, q = {place.q:.6g}"
    return f"{_short(place.activation.name)}: {sigmas}, {where}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."


def _cells(row: Row) -> tuple[str, ...]:
    name = row.parameter + (f" [{row.part}]" if row.part else "")
    drawn = {"normal": "std {:.4g}", "orthogonal": "orthogonal {:.4g}", "constant": "{:.4g}", "": "-"}
    drawn["scales"] = "log time scales to {:.4g}" if (row.value or 0.0) > 0.0 else "minus those, {:.4g}"
    number = row.value if row.method in ("constant", "scales") else row.std
    return (
        name,
        row.rule,
        drawn[row.method].format(number),
        "" if row.fan_in is None else f"{row.fan_in:.4g}",
        "" if row.power is None else f"{row.power:.4g}",
        "" if row.measured is None else f"{row.measured:.4g}",
        _short(row.activation),
    )


def _aligned(cell: str, width: int, column: str) -> str:
    return cell.rjust(width) if column in _RIGHT else cell.ljust(width)
