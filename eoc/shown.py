"""Results that show themselves: as the tables of the command line, in notebooks, and as pictures."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Drawn", "Shown"]


class Shown:
    """A result that ``print`` shows as the command line does, and a notebook with its colours.

    A class says by ``report="phase.write_phase"`` which function of :mod:`eoc.reports` writes it. Reports stand on
    floors above results, so they are looked up when something is shown.
    """

    _report: ClassVar[str]

    def __init_subclass__(cls, report: str = "", **others: Any) -> None:
        super().__init_subclass__(**others)
        if report:
            cls._report = report

    def __str__(self) -> str:
        return str(import_module("eoc.reports").as_text(self, self._report))

    def _repr_html_(self) -> str:
        return str(import_module("eoc.reports").as_html(self, self._report))


class Drawn:
    """A result that draws itself: ``picture`` names the function of :mod:`eoc.plotting` for a panel, and for all."""

    _panel: ClassVar[str]
    _figure: ClassVar[str]

    def __init_subclass__(cls, panel: str = "", figure: str = "", **others: Any) -> None:
        super().__init_subclass__(**others)
        if panel:
            cls._panel, cls._figure = panel, figure

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw it.

        Parameters
        ----------
        ax
            Where to draw its main panel; left out: a figure of its own, with a title and every panel, not attached to
            any window. A notebook shows it; ``.savefig("name.pdf")`` writes it.

        Returns
        -------
        Figure
            The figure that was drawn in.
        """
        plotting = import_module("eoc.plotting")
        if ax is None:
            figure: Figure = getattr(plotting, self._figure)(self)
            return figure
        getattr(plotting, self._panel)(self, ax)
        return cast("Figure", ax.get_figure(root=True))
