"""The page as one file: text, style, script, Bokeh's script and the series of activations."""

from __future__ import annotations

import html
import json
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from eoc.activations import activation
from eoc.errors import EocError
from eoc.explorer.panels import PANELS, panel_items
from eoc.explorer.series import exported

if TYPE_CHECKING:
    from eoc.activations import Activation

__all__ = ["DEFAULT", "explorer_page"]

DEFAULT = ("tanh", "relu", "gelu")  #: what a page has if nothing is asked for
_MOST = 12  # activations: a page has up to 6 MB


def explorer_page(activations: Sequence[object] = (), progress: Callable[[float, float], None] | None = None) -> str:
    """One self-contained HTML page that works from disk, without Python and without a network.

    Parameters
    ----------
    activations
        At most 12, whatever :func:`eoc.activation` understands; none: tanh, relu and gelu.
    progress
        Called with how many activations are done, and of how many.

    Returns
    -------
    str
        The page. Its numbers are right to the accuracy that it states, about 1e-10.

    Raises
    ------
    EocError
        For more than 12 activations, one that cannot be used, and where Bokeh is not installed.

    Examples
    --------
    >>> page = explorer_page(["relu"])  # doctest: +SKIP
    >>> page.startswith("<!doctype html>")  # doctest: +SKIP
    True
    """
    chosen = _chosen(activations)
    script = _bokeh()
    data = []
    for i, phi in enumerate(chosen):
        data.append(exported(phi).to_dict())
        if progress is not None:
            progress(i + 1, len(chosen))
    room = files("eoc.explorer")
    text = {name: (room / name).read_text("utf-8") for name in ("page.html", "page.css", "series.js", "page.js")}
    return Template(text["page.html"]).substitute(
        style=text["page.css"],
        bokeh=script,
        panels="\n".join(_figure(panel.name, panel.title, panel.caption) for panel in PANELS),
        data=_script_json({"activations": data, "panels": panel_items()}),
        series=text["series.js"],
        page=text["page.js"],
    )


def _chosen(activations: Sequence[object]) -> list[Activation]:
    given = [activations] if isinstance(activations, str) or not isinstance(activations, Sequence) else activations
    if len(given) > _MOST:
        raise EocError(f"a page holds at most {_MOST} activations, got {len(given)}: make several pages")
    return [activation(one) for one in given or DEFAULT]


def _bokeh() -> str:
    try:
        from bokeh.resources import INLINE
    except ImportError:
        raise EocError(
            f"the explorer draws with Bokeh, which is not installed: {sys.executable} -m pip install 'eoc[explore]'"
        ) from None
    return next(one for one in INLINE.js_raw if "BokehJS" in one or len(one) > 500_000)


def _figure(name: str, title: str, caption: str) -> str:
    label = html.escape(caption, quote=True)
    return (
        f'<figure class="panel"><h2>{html.escape(title)}</h2>'
        f'<div id="panel-{name}" class="plot" role="img" aria-label="{label}"></div>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _script_json(data: object) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
