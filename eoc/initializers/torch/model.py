"""A whole model on the edge of chaos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from eoc.errors import EocError
from eoc.initializers.plan.draws import checked_seed
from eoc.initializers.plan.report import Report
from eoc.initializers.plan.settings import checked_settings
from eoc.initializers.torch.filled import check_model, filled
from eoc.initializers.torch.shape import shape_
from eoc.models.torch.read import read

__all__ = ["initialize_"]


def initialize_(
    module: nn.Module,
    activation: object = None,
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
    example_inputs: Any = None,
    batch: Any = None,
    shape: bool = False,
    seed: int | None = None,
    generator: torch.Generator | None = None,
) -> Report:
    """Draw all weights and biases of a model anew, on the edge of chaos of its own activations.

    Every layer is drawn so that the pre-activations it feeds have the variance q of the activation that follows:

        weights N(0, (q - sigma_b^2) / (power fan_in)),  biases N(0, sigma_b^2).

    (sigma_w, sigma_b, q) is the point of the edge of chaos of that activation, and the power is the mean square of what
    the layer takes in, which is followed through the model: V(q) = E[phi(sqrt(q) Z)^2] after an activation, 1 after a
    normalisation, the sum of the powers after a sum. In a chain of one activation it is sigma_w^2 / fan_in. Where one
    activation follows another, a layer multiplies squared gradients by chi_1 = (q_2 - sigma_b2^2) / (q_1 - sigma_b1^2);
    the product over any number of layers is this of the first and the last of them. Heads, embeddings, normalisations,
    gates and residual branches have rules of their own, listed in :data:`eoc.initializers.torch.RULES` and in the
    report.

    Parameters
    ----------
    module
        The model. What follows what is read off its computation by ``torch.fx``; where that fails, off the order in
        which its modules are defined.
    activation
        What an activation that cannot be recognised is taken for, and what follows every hidden layer of a model that
        cannot be traced and shows none; given as in :func:`eoc_normal_`.
    sigma_w, sigma_b, q
        Which point, for each activation: see :func:`eoc.operating_point.operating_point`. None of them: the recommended
        one. sigma_w and sigma_b both: this place of any phase.
    depth
        Layers of the network, for which points are recommended; None: as many as follow each other in the model, in the
        longest chain. A normalisation begins a new chain, and residual branches are none.
    weights
        "gaussian"; "orthogonal" as in :func:`eoc_orthogonal_`, all of them; or "recommended": orthogonal where training
        has shown that it helps (:func:`eoc.recommend`), which is in the dense layers of models without residual
        branches, before activations and before the output; all others Gaussian, convolutions too.
    input_variance
        > 0, the mean square of one input feature; 1 for standardised data.
    output_variance
        > 0, that of one output at initialisation; None: the last layer is drawn as the hidden ones before it.
    residual
        Names of the layers that end residual branches, or patterns as in a shell ("blocks.*.fc2"), for models that
        cannot be traced. They keep the power, divided by the number of branches.
    points
        The point of single activations, for those that have none to recommend: by their names, as the report has them,
        what :func:`eoc.operating_point.operating_point` takes, ``{"softplus": {"sigma_w": 1.4, "sigma_b": 0.0}}``.
    only, skip
        Names of layers or parameters, or patterns as in a shell: only these are set; these are left. What is left is
        measured, and the others are drawn to go with it.
    ends
        Layers that end residual branches: "stable", drawn so that all branches together raise the power of the trunk by
        at most e; "zero", every block begins as the identity; "keep", as the library made them.
    heads
        Last layers: "variance", output_variance; "mup", output_variance / fan_in, which goes with muP (Yang and Hu
        2021, arXiv 2011.14522); "zero"; "keep", as the library made them.
    embeddings
        "draw" or "keep".
    example_inputs
        What the model is called with: a tensor, a tuple of tensors, or a dict of keyword arguments. For models whose
        computation cannot be traced without, and for the sizes of pictures, windows and paddings.
    batch
        The same, of data: where theory is approximate or unknown, the weights are scaled until each layer of this batch
        hands on what was planned; gradients are measured. The report has what was measured beside what was predicted.
    shape
        Whether to shape the activations for the depth, too, and to draw at the place that goes with that: what
        :func:`shape_` does.
    seed
        A whole number >= 0: the same weights in PyTorch, JAX and Keras. None: those of the generator.
    generator
        Source of random numbers; None: torch's global one. One seed gives the same weights again, on every device.

    Returns
    -------
    Report
        What was set, by which rule, and what was left alone and why: every parameter of the model. ``print`` it.

    Raises
    ------
    EocError
        Before any weight is changed: if an activation has no usable point, if weights hold no numbers yet (meta device,
        lazy modules) or cannot be written to, if frozen ones are not finite, if the model has no layer, or if no
        activation can be seen; for values out of range.

    Notes
    -----
    Frozen parameters are left and measured. Weights that are used several times are set at their first use; a layer
    that is used again and again, each time after the last, has the sigmas of its point, where variances settle at q.
    Maps are those of wide layers without dropout, whose zeros leave no edge of chaos (Schoenholz et al. 2017,
    arXiv 1611.01232).
    Residual branches follow "Stable ResNet" (Hayou et al. 2021, arXiv 2010.12859).

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(64, 512), nn.Tanh(), nn.Linear(512, 512), nn.Tanh(), nn.Linear(512, 10))
    >>> report = initialize_(model, sigma_b=0.2, generator=torch.Generator().manual_seed(0))
    >>> for row in report.set:
    ...     print(f"{row.parameter:9} {row.rule:7} {row.std or row.value:.5f} {row.activation}")
    0.weight  hidden  0.08588 tanh
    0.bias    hidden  0.20000
    2.weight  hidden  0.05764 tanh
    2.bias    hidden  0.20000
    4.weight  head    0.08388
    4.bias    head    0.00000
    """
    check_model(module, generator)
    if shape:
        place = {"sigma_w": sigma_w, "sigma_b": sigma_b, "q": q, "points": points, "batch": batch, "seed": seed}
        return _shaped(module, depth, weights, input_variance, output_variance, generator, place)
    number = None if seed is None else checked_seed(seed)
    if number is not None and generator is not None:
        raise EocError("give a seed or a generator, not both")
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
        only=only,
        skip=skip,
        ends=ends,
        heads=heads,
        embeddings=embeddings,
    )
    reading = read(module, activation, settings.residual, batch if example_inputs is None else example_inputs)
    return filled(module, reading, settings, generator, seed=number, batch=batch)


def _shaped(
    module: nn.Module,
    depth: int | None,
    weights: str,
    input_variance: float,
    output_variance: float | None,
    generator: torch.Generator | None,
    others: Mapping[str, Any],
) -> Report:
    """The report of :func:`shape_` on what was drawn, with what was shaped in its notes."""
    given = next((name for name, value in others.items() if value is not None), None)
    if given is not None:
        raise EocError(f"{given} and shape=True do not go together: shaped activations have a place of their own")
    found = shape_(
        module,
        depth,
        weights="orthogonal" if weights == "recommended" else weights,
        input_variance=input_variance,
        output_variance=output_variance,
        generator=generator,
    )
    return replace(found.initialisation, notes=(*found.said, *found.initialisation.notes))
