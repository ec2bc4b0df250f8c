"""Models of JAX, Flax and Equinox on the edge of chaos.

One line for a whole model, biases, residual branches and heads included, of linen, nnx, Equinox or a function::

    variables, report = eoc.initializers.jax.initialize(model, variables, example_inputs)

and, in the style of ``jax.nn.initializers``, for single arrays ``eoc_normal``, ``eoc_orthogonal`` and ``eoc_bias``.
"""

from __future__ import annotations

from eoc.frameworks import needs

needs("eoc.initializers.jax", extra="jax", libraries=("jax",))

from eoc.initializers.jax.model import initialize  # noqa: E402  only once JAX is known to be there
from eoc.initializers.jax.single import eoc_bias, eoc_normal, eoc_orthogonal  # noqa: E402
from eoc.initializers.plan.report import Report, Row  # noqa: E402
from eoc.initializers.plan.roles import RULES  # noqa: E402

__all__ = ["RULES", "Report", "Row", "eoc_bias", "eoc_normal", "eoc_orthogonal", "initialize"]
