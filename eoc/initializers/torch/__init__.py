"""PyTorch models on the edge of chaos.

One line for a whole model, biases, residual branches and heads included::

    print(eoc.initializers.torch.initialize_(model))

its activations shaped so that it trains at its depth::

    print(eoc.initializers.torch.shape_(model))

and, in the style of ``torch.nn.init``, for single tensors ``eoc_normal_``, ``eoc_orthogonal_`` and ``eoc_bias_``.
"""

from __future__ import annotations

from eoc.frameworks import needs

needs("eoc.initializers.torch", extra="torch", libraries=("torch",))

from eoc.initializers.plan.report import Report, Row  # noqa: E402
from eoc.initializers.plan.roles import RULES  # noqa: E402
from eoc.initializers.torch.fill import eoc_bias_, eoc_normal_, eoc_orthogonal_  # noqa: E402
from eoc.initializers.torch.model import initialize_  # noqa: E402
from eoc.initializers.torch.shape import ShapeReport, shape_  # noqa: E402

__all__ = [
    "RULES",
    "Report",
    "Row",
    "ShapeReport",
    "eoc_bias_",
    "eoc_normal_",
    "eoc_orthogonal_",
    "initialize_",
    "shape_",
]
