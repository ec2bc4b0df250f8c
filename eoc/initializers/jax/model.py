"""A whole model of Flax, Equinox or plain JAX on the edge of chaos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from eoc.errors import EocError
from eoc.initializers.jax.measured import Batch
from eoc.initializers.plan.draws import checked_seed
from eoc.initializers.plan.report import Report
from eoc.initializers.plan.settings import checked_settings
from eoc.initializers.slotted import SlotParameters, filled, patterns
from eoc.models.jax.models import model_of

__all__ = ["initialize"]


def initialize(
    model: Any,
    variables: Any = None,
    example_inputs: Any = None,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    weights: str = "recommended",
    input_variance: float = 1.0,
    output_variance: float | None = 1.0,
    residual: str | Sequence[str] = (),
    points: Mapping[str, Mapping[str, float]] | None = None,
    only: str | Sequence[str] = (),
    skip: str | Sequence[str] = (),
    ends: str = "stable",
    heads: str = "variance",
    embeddings: str = "draw",
    batch: Any = None,
    seed: Any = 0,
    apply: Callable[..., Any] | None = None,
) -> tuple[Any, Report]:
    """Draw all weights and biases of a model anew, on the edge of chaos of its own activations.

    The rules are those of :func:`eoc.initializers.torch.initialize_`, and so is the report; see there. JAX traces the
    model, which computes no numbers, and what follows what is read off its jaxpr.

    Parameters
    ----------
    model
        A module of ``flax.linen``, of ``flax.nnx`` or of Equinox, or a function of parameters and inputs.
    variables
        Of linen: the variables, ``model.init(key, inputs)``, or a key of random numbers to make them with. Of a
        function: its parameters, a tree of arrays. Modules of nnx and Equinox hold their own: None.
    example_inputs
        What the model is called with: an array, a tuple of arguments, or a dictionary of those that have names;
        arguments that are no arrays are handed on as they are: ``{"x": images, "train": True}``. Only their shapes
        count; for a module of Equinox that takes one example, one example.
    sigma_w, sigma_b, q, depth, weights, input_variance, output_variance, residual, points, only, skip, ends, heads
        As there. Names are those of the report, or of modules: "Dense_0" for params/Dense_0/kernel.
    embeddings
        As there.
    batch
        The same as ``example_inputs``, of data, and in their place: where theory is approximate or unknown, the weights
        are scaled until each layer of this batch hands on what was planned; gradients are measured. The report has what
        was measured beside what was predicted.
    seed
        A whole number >= 0: the same weights in PyTorch, JAX and Keras; or a key of random numbers.
    apply
        How the model is called, if not as usual: a function of the variables, module or parameters, and the inputs,
        such as ``lambda model, x: jax.vmap(model)(x)``.

    Returns
    -------
    model
        Of linen: new variables, all collections of them. Of a function: new parameters. Of Equinox: a new module. Of
        nnx, whose modules hold state: the same module, with new parameters.
    Report
        What was set, by which rule, and what was left alone and why: every parameter of the model. ``print`` it.

    Raises
    ------
    EocError
        Before anything is changed: if the model cannot be traced with these inputs, if it has no layer, if an
        activation has no usable point; for values out of range.

    Notes
    -----
    A linen or nnx model with batch normalisation may be traced in either mode: with running statistics it is
    understood as well. What is not understood is said in the report and left alone.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> def model(p, x):
    ...     for layer in p[:-1]:
    ...         x = jnp.tanh(x @ layer["w"] + layer["b"])
    ...     return x @ p[-1]["w"] + p[-1]["b"]
    >>> shapes = [(64, 512), (512, 512), (512, 10)]
    >>> zeros = [{"w": jnp.zeros(shape), "b": jnp.zeros(shape[1])} for shape in shapes]
    >>> parameters, report = initialize(model, zeros, jnp.zeros((1, 64)), sigma_b=0.2)
    >>> for row in report.set:
    ...     print(f"{row.parameter} {row.rule:7} {row.std or row.value:.5f} {row.activation}")
    0/b hidden  0.20000
    0/w hidden  0.08588 tanh
    1/b hidden  0.20000
    1/w hidden  0.05764 tanh
    2/b head    0.00000
    2/w head    0.08388
    """
    given = example_inputs if batch is None else batch
    if given is None:
        raise EocError("example_inputs must be what the model is called with: an array, a tuple or a dictionary")
    settings = checked_settings(
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        q=q,
        depth=depth,
        weights=weights,
        input_variance=input_variance,
        output_variance=output_variance,
        residual=residual,
        points=points,
        only=patterns(only),
        skip=patterns(skip),
        ends=ends,
        heads=heads,
        embeddings=embeddings,
    )
    number = _seed(seed)
    found = model_of(model, variables, given, apply)
    traced = found.traced()
    measure = None if batch is None else Batch(found.function, found.parameters, found.others, traced).measure
    values, report = filled(traced.reading, SlotParameters(found.parameters), settings, number, measure)
    arrays = {name: jax.numpy.asarray(value) for name, value in values.items()}
    return found.rebuilt({**found.parameters, **arrays}), report


def _seed(seed: Any) -> int:
    """A whole number, or one that a key of random numbers stands for."""
    dtype = str(getattr(seed, "dtype", ""))
    if "key<" in dtype or (dtype == "uint32" and tuple(seed.shape) == (2,)):
        high, low = (int(part) for part in np.asarray(jax.random.bits(seed, (2,), "uint32")))
        return (high << 31 | low >> 1) & (2**63 - 1)
    return checked_seed(seed)
