"""Models of Keras on the edge of chaos, on any backend.

In the style of ``keras.initializers``, for single variables: ``EocNormal``, ``EocOrthogonal`` and ``EocBias``.
"""

from __future__ import annotations

from eoc.frameworks import needs

needs("eoc.initializers.keras", extra="keras", libraries=("keras",))

from eoc.initializers.keras.single import EocBias, EocNormal, EocOrthogonal  # noqa: E402  only once Keras is there

__all__ = ["EocBias", "EocNormal", "EocOrthogonal"]
