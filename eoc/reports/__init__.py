"""What results look like as text: the tables of the command line, which ``print`` of a result gives as well.

``writing`` has numbers, tables and paragraphs; ``phase``, ``trajectory``, ``convergence``, ``place``, ``curve``,
``kernel`` and ``recurrent`` write the results of these names to a console of rich.
"""

from __future__ import annotations

from importlib import import_module
from io import StringIO

__all__ = ["as_html", "as_text"]

_WIDTH = 100  # columns: in notebooks and elsewhere that is no terminal


def as_text(result: object, report: str) -> str:
    """What a report (``"module.function"`` of this package) writes of a result, as plain text.

    Examples
    --------
    >>> from eoc.phase import phase_of
    >>> print(as_text(phase_of("tanh", 2.5, 0.3), "phase.write_phase")[:46])
    tanh at sigma_w = 2.5, sigma_b = 0.3 is chaoti
    """
    from rich.console import Console

    text = StringIO()
    _write(result, report, Console(file=text, highlight=False, width=_WIDTH, color_system=None))
    return text.getvalue().rstrip()


def as_html(result: object, report: str) -> str:
    """The same for notebooks, with its colours."""
    from rich.console import Console

    out = Console(file=StringIO(), highlight=False, width=_WIDTH, record=True, force_jupyter=False)
    _write(result, report, out)
    return out.export_html(inline_styles=True, code_format='<pre style="line-height:normal">{code}</pre>')


def _write(result: object, report: str, out: object) -> None:
    module, function = report.split(".")
    getattr(import_module(f"eoc.reports.{module}"), function)(out, result)
