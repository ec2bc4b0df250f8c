"""How the site is built: `sphinx-build -W docs docs/_build`, without a network; CONTRIBUTING says more."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from eoc import __version__

project = "eoc"
author = "The eoc maintainers"
copyright = author
version = release = __version__
language = "en_GB"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "site_docstrings",
    "site_math",
    "site_pages",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb"}  # autosummary writes the first
exclude_patterns = ["_build", "_ext", "_templates"]
root_doc = "index"

# Broken links are warnings, and the build is run with -W.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(numpy|np|xarray|xr|torch|jax|keras|matplotlib|sklearn|distributed)\..*")]
suppress_warnings = ["misc.highlighting_failure", "config.cache"]

html_theme = "furo"
html_title = f"eoc {release}"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_build/extra"]  # the explorer
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
_FRAMEWORKS = ("torch", "jax", "flax", "keras", "sklearn")
_MISSING = [name for name in _FRAMEWORKS if find_spec(name) is None]
autodoc_mock_imports = _MISSING  # their parts of eoc are documented all the same

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).parent / "_build" / "executed")
nb_execution_timeout = 120  # of a cell; whole pages take some seconds
nb_execution_raise_on_error = True
nb_execution_excludepatterns = [f"tutorials/*{name}*" for name in _MISSING]  # shown, without what they print
nb_merge_streams = True
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("KERAS_BACKEND", "jax")  # before anything imports Keras
