"""The page in a notebook, whose sliders and Python see the same state."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from eoc.errors import EocError
from eoc.explorer.page import explorer_page

if TYPE_CHECKING:
    from anywidget import AnyWidget

__all__ = ["explore"]

_SCRIPT = """
function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.title = "edge of chaos explorer";
  frame.style.cssText = `width:100%;height:${model.get("height")}px;border:0`;
  frame.srcdoc = model.get("page");
  let told = "";
  const listen = (event) => {
    if (event.source !== frame.contentWindow || !event.data.explorer) return;
    told = JSON.stringify(event.data.explorer);
    model.set("state", event.data.explorer);
    model.save_changes();
  };
  const tell = () => {
    if (JSON.stringify(model.get("state")) !== told) frame.contentWindow.postMessage({ set: model.get("state") }, "*");
  };
  addEventListener("message", listen);
  model.on("change:state", tell);
  frame.addEventListener("load", tell);
  el.append(frame);
  return () => removeEventListener("message", listen);
}
export default { render };
"""


def explore(*activations: object, height: int = 900) -> AnyWidget:
    """The explorer as a Jupyter widget.

    Parameters
    ----------
    activations
        At most 12, whatever :func:`eoc.activation` understands; none: tanh, relu and gelu.
    height
        In pixels.

    Returns
    -------
    AnyWidget
        Shown where a cell ends with it. Its ``state`` holds ``activation``, ``sigma_w``, ``sigma_b``, ``depth``, ``c``
        and ``q``: read it, observe it, or set it. Outside notebooks ``eoc explore`` writes the same page to a file.

    Raises
    ------
    EocError
        As :func:`eoc.explorer.explorer_page`, and where anywidget is not installed.

    Examples
    --------
    >>> widget = explore("tanh")  # doctest: +SKIP
    >>> widget.state = {**widget.state, "sigma_w": 1.5}  # doctest: +SKIP
    """
    return _widget_class()(page=explorer_page(activations), height=height)


@cache
def _widget_class() -> type[Any]:
    try:
        from anywidget import AnyWidget
        from traitlets import Dict, Int, Unicode
    except ImportError:
        raise EocError(
            f"the widget stands on anywidget, which is not installed: {sys.executable} -m pip install 'eoc[explore]'"
        ) from None

    class Explorer(AnyWidget):
        _esm = _SCRIPT
        page = Unicode().tag(sync=True)
        height = Int().tag(sync=True)
        state = Dict().tag(sync=True)

    return Explorer
