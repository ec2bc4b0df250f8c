"""Models of Keras on the edge of chaos, on any backend.

One line for a whole model, biases, residual branches and heads included::

    print(eoc.initializers.keras.initialize_(model))

and, in the style of ``keras.initializers``, for single variables ``EocNormal``, ``EocOrthogonal`` and ``EocBias``.
"""

from __future__ import annotations

from eoc.frameworks import needs

needs("eoc.initializers.keras", extra="keras", libraries=("keras",))

from eoc.initializers.keras.model import initialize_  # noqa: E402  only once Keras is known to be there
from eoc.initializers.keras.single import EocBias, EocNormal, EocOrthogonal  # noqa: E402
from eoc.initializers.plan.report import Report, Row  # noqa: E402
from eoc.initializers.plan.roles import RULES  # noqa: E402

__all__ = ["RULES", "EocBias", "EocNormal", "EocOrthogonal", "Report", "Row", "initialize_"]
