"""Formulas as MathML, which browsers draw by themselves: no script, no fonts, nothing from a network."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

_FRACTION = re.compile(r"(\\[td]?frac|\\binom)\s*(\w)\s*(\w)(?![a-zA-Z])")
_LOG = logging.getLogger(__name__)


def mathml(tex: str, block: bool = False) -> str:
    r"""MathML of a formula; of ``\frac12`` each digit is an argument, as TeX has it."""
    return tex2mathml(_FRACTION.sub(r"\1{\2}{\3}", tex), as_block=block)


def _draw(tex: str, node: nodes.Node, block: bool) -> str:
    try:
        return mathml(tex, block)
    except (SyntaxError, nodes_error()) as error:
        _LOG.warning("a formula cannot be drawn: %s: %s", tex, error, location=node)
        return f"<code>{escape(tex)}</code>"


def nodes_error() -> type[Exception]:
    """What docutils raises for a formula that it cannot read."""
    from docutils.utils.math import MathError

    return MathError


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(_draw(node.astext(), node, block=False))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    tex = node.astext()
    if "\\\\" in tex and "\\begin" not in tex:
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    translator.body.append(f'<div class="formula">{_draw(tex, node, block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
