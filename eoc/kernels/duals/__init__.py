"""The kernel of an activation as a function of PyTorch and JAX.

``tables`` has what does not depend on the framework's arrays: series in boxes, from those of :mod:`eoc.gaussian`.
``evaluation`` sums them and their slopes in operations that both frameworks have. :mod:`eoc.kernels.torch` and
:mod:`eoc.kernels.jax` make differentiable functions of that.
"""
