"""A page to see it all: sliders for sigma_w, sigma_b and depth beside maps, phases and a random network.

``series`` is what the page knows of an activation: the package's own expectations as Chebyshev series, so that it is as
exact as they are (1e-10) and needs neither Python nor a network. ``panels`` are its pictures, by Bokeh: one script of a
megabyte that can be embedded, whose canvases are fast enough to be drawn anew on every move of a slider. ``page`` puts
them into one file with ``series.js``, which evaluates the series, and ``page.js``; ``widget`` puts it into a notebook.
"""

from eoc.explorer.page import explorer_page
from eoc.explorer.widget import explore

__all__ = ["explore", "explorer_page"]
