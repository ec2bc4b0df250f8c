"""The panels of the page, as Bokeh figures whose sources ``page.js`` fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokeh.plotting import figure

__all__ = ["PANELS", "Panel", "panel_items"]

#: Colours that colour-blind readers can tell apart, on white and on black (petroff10).
BLUE, ORANGE, RED, GREY = "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2"
_RAINBOW = ("#3f90da", "#832db6", "#a96b59", "#e76300", "#ffa90e", "#bd1f01")  # layers, from the first to the last
_HEIGHT = 270
_SIGMA = (2.0, 3.0)  # of sigma_b and sigma_w in the phase diagram


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes
    ----------
    name
        The element that it is put into, and the beginning of the names of its sources.
    title
        What it shows, in words.
    caption
        How to read it.
    axes
        What is along them.
    """

    name: str
    title: str
    caption: str
    axes: tuple[str, str]


PANELS = (
    Panel(
        "diagram",
        "Where you are",
        "Line: the edge of chaos, dashed where variances leave it. Below it signals and gradients die out, above it "
        "they are torn apart. Drag the point, or move it with the sliders.",
        ("\u03c3_b, std of the biases", "\u03c3_w, gain of the weights"),
    ),
    Panel(
        "variance",
        "Variance map F(q)",
        "What a layer makes of the variance q. Full dots: variances that layers come to; empty ones: those they leave.",
        ("q", "F(q)"),
    ),
    Panel(
        "correlation",
        "Correlation map f(c)",
        "What a layer makes of the correlation of two inputs, once q has settled, and the way of your two inputs.",
        ("c", "f(c)"),
    ),
    Panel(
        "distance",
        "How far apart two inputs are",
        "1 - c by layer for your two inputs. Dashed: the law of the edge of chaos, where the point is on it.",
        ("layer", "1 - c"),
    ),
    Panel(
        "gradient",
        "Squared gradients",
        "Second moment of the gradient at a layer, over that at the last layer.",
        ("layer", "gradient\u00b2 / last"),
    ),
    Panel(
        "density",
        "Pre-activations",
        "Densities of one unit over random networks: Gaussians of variance q, from the first layer (blue) to the last "
        "(red).",
        ("pre-activation", "density"),
    ),
    Panel(
        "circle",
        "A circle of inputs",
        "What one random network of 60 units a layer makes of a circle: the two widest directions, up to layer 30.",
        ("", ""),
    ),
)


def panel_items() -> dict[str, Any]:
    """Each panel by name, as JSON for ``Bokeh.embed.embed_item``."""
    from bokeh.embed import json_item

    return {panel.name: json_item(_drawn(panel), target=f"panel-{panel.name}") for panel in PANELS}


def _drawn(panel: Panel) -> figure:
    makers = {
        "diagram": _diagram,
        "variance": _variance,
        "correlation": _correlation,
        "distance": _distance,
        "gradient": _gradient,
        "density": _density,
        "circle": _circle,
    }
    return makers[panel.name](panel)


def _empty(panel: Panel, **others: Any) -> figure:
    from bokeh.plotting import figure

    drawn = figure(
        name=panel.name,
        height=_HEIGHT,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        x_axis_label=panel.axes[0],
        y_axis_label=panel.axes[1],
        background_fill_alpha=0.0,
        border_fill_alpha=0.0,
        outline_line_alpha=0.3,
        output_backend="canvas",
        **others,
    )
    drawn.axis.axis_label_text_font_style = "normal"
    drawn.grid.grid_line_alpha = 0.25
    return drawn


def _source(name: str, **columns: list[Any]) -> Any:
    from bokeh.models import ColumnDataSource

    return ColumnDataSource(name=name, data=columns)


def _points(name: str) -> Any:
    """A source that is filled later; logarithmic axes cannot be drawn without numbers."""
    return _source(name, x=[1.0, 10.0], y=[0.1, 1.0])


def _line(drawn: figure, name: str, colour: str, dash: str = "solid", width: float = 2.0) -> None:
    drawn.line("x", "y", source=_points(name), line_color=colour, line_dash=dash, line_width=width)


def _dots(drawn: figure, name: str, colour: str, size: int = 9, *, filled: bool = True) -> None:
    look = {"line_color": colour, "fill_color": colour, "fill_alpha": 1.0 if filled else 0.0, "line_width": 2}
    drawn.scatter("x", "y", source=_points(name), size=size, **look)


def _diagram(panel: Panel) -> figure:
    from bokeh.models import Range1d

    drawn = _empty(panel, x_range=Range1d(0.0, _SIGMA[0]), y_range=Range1d(0.0, _SIGMA[1]))
    for name, dash in (("diagram-stable", "solid"), ("diagram-unstable", "dashed")):
        source = _source(name, xs=[], ys=[])
        drawn.multi_line("xs", "ys", source=source, line_color=BLUE, line_width=2.5, line_dash=dash)
    _dots(drawn, "diagram-alone", BLUE, 7)
    _dots(drawn, "diagram-point", RED, 15)
    return drawn


def _variance(panel: Panel) -> figure:
    from bokeh.models import Range1d

    drawn = _empty(panel, x_range=Range1d(0.0, 1.0), y_range=Range1d(0.0, 1.0))
    _line(drawn, "variance-diagonal", GREY, "dotted", 1.5)
    _line(drawn, "variance-map", BLUE)
    _dots(drawn, "variance-stable", BLUE)
    _dots(drawn, "variance-unstable", BLUE, filled=False)
    return drawn


def _correlation(panel: Panel) -> figure:
    from bokeh.models import Range1d

    drawn = _empty(panel, x_range=Range1d(-1.0, 1.02), y_range=Range1d(-1.0, 1.02))
    _line(drawn, "correlation-diagonal", GREY, "dotted", 1.5)
    _line(drawn, "correlation-web", ORANGE, width=1.2)
    _line(drawn, "correlation-map", BLUE)
    _dots(drawn, "correlation-stable", BLUE)
    _dots(drawn, "correlation-unstable", BLUE, filled=False)
    return drawn


def _distance(panel: Panel) -> figure:
    drawn = _empty(panel, x_axis_type="log", y_axis_type="log")
    _line(drawn, "distance-law", ORANGE, "dashed")
    _line(drawn, "distance-run", BLUE)
    return drawn


def _gradient(panel: Panel) -> figure:
    drawn = _empty(panel, y_axis_type="log")
    _line(drawn, "gradient-one", GREY, "dotted", 1.5)
    _line(drawn, "gradient-run", BLUE)
    return drawn


def _density(panel: Panel) -> figure:
    drawn = _empty(panel)
    for i, colour in enumerate(_RAINBOW):
        _line(drawn, f"density-{i}", colour)
    return drawn


def _circle(panel: Panel) -> figure:
    drawn = _empty(panel, match_aspect=True)
    source = _source("circle-points", x=[0.0, 1.0], y=[0.0, 1.0], colour=[BLUE, BLUE])
    drawn.line("x", "y", source=source, line_color=GREY, line_width=1.0)
    drawn.scatter("x", "y", source=source, size=5, line_color=None, fill_color="colour")
    drawn.axis.visible = False
    return drawn
