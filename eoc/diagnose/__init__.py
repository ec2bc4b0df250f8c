"""Measure a real model, layer by layer, against the theory for its own activation and variances.

``measured`` runs the model and looks at every ``calls`` of its weights, with their ``output_moments``, and at
``attention``; ``compared`` puts the prediction (:mod:`eoc.predict`) beside it, ``chance`` says what finite widths may
do. ``stretches`` finds where the model is deep in the sense of the theory, ``residual`` sums of which one part is not
seen, ``health`` what is wrong; ``records`` holds what was found, ``summary``, ``parts`` and ``verdict`` say what it
means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eoc.frameworks import needs

if TYPE_CHECKING:
    from eoc.diagnose.diagnosis import Diagnosis

__all__ = ["torch"]


def torch(
    model: Any,
    batch: Any,
    *,
    activation: object = None,
    loss: Callable[[Any], Any] | None = None,
    seed: int = 0,
) -> Diagnosis:
    r"""Measure what a PyTorch model does to a batch: forward to signals, backward to gradients.

    The model runs once each way, in the mode it is in. It is left exactly as it was: parameters, their ``.grad``,
    buffers, mode, and the state of torch's random numbers.

    Parameters
    ----------
    model
        A ``torch.nn.Module`` with layers: modules, or weights of its own that functions apply.
    batch
        What the model is called with: a tensor, a tuple of tensors, or a dict of keyword arguments; its first
        dimension counts samples. Correlations are means over all pairs of the first 32 samples: 16 are plenty.
    activation
        Which activation follows the layers where the model does not say: a name, a formula, ``nn.GELU()``, ``F.gelu``,
        a Python function.
    loss
        A function of what the model returns, whose gradients are measured. Left out: a sum of all outputs with
        N(0, 1) coefficients, so that every output counts equally and the model's Jacobian is measured, not the
        targets of one task; outputs that the first one is computed from, such as hidden states, do not count.
    seed
        Of these coefficients, and of dropout: a whole number from 0 to 2^63 - 1.

    Returns
    -------
    Diagnosis
        For each layer q, the correlation c and the norm of gradients, beside what the maps say for the model's own
        activation, sigma_w and sigma_b:

        .. math:: q' = \sigma_b^2 + \sigma_w^2 V(q), \quad
                  c' = \frac{\sigma_b^2 + \sigma_w^2 K(q, c)}{q'}, \quad
                  \|\nabla\|^2 = \sigma_w^2 D(q') \, \|\nabla'\|^2 .

        ``print`` shows a verdict, a table, what it means and how to mend it; ``.words``, ``.to_dict()`` and
        :func:`eoc.plotting.plot_diagnosis` give it to programs and to the eye; ``.assert_healthy()`` raises an error
        for a model that is not fit to be trained. ``.attention`` says how evenly tokens are weighed, ``.drowned`` which
        residual branches and position embeddings are not seen.

    Raises
    ------
    EocError
        For a model or batch that cannot be run, a model without layers, a loss or seed that is none.
    MissingFrameworkError
        Where PyTorch is not installed.

    Notes
    -----
    The theory (:func:`eoc.predict.torch`) holds for wide layers of independent random weights. What it neglects, as in
    pooling and attention, it says in ``neglected`` of a row. Padding with zeros is counted: near borders a convolution
    sums fewer terms. Positions are averaged: where variances differ much from place to place, as in images, the first
    convolutions differ from the theory.

    Poole et al. (2016) for the forward maps, Schoenholz et al. (2017) for gradients.

    Examples
    --------
    >>> import torch as pytorch
    >>> import eoc.diagnose
    >>> _ = pytorch.manual_seed(1)
    >>> layers = [pytorch.nn.Linear(300, 300) for _ in range(10)]
    >>> model = pytorch.nn.Sequential(*(part for layer in layers for part in (layer, pytorch.nn.Tanh())))
    >>> found = eoc.diagnose.torch(model, pytorch.randn(8, 300))  # as PyTorch initialises
    >>> print(found.words[0])
    layers 1 to 10 (0 to 18) with tanh: on the way back gradients shrink by 0.5... a layer (by the maps 0.5...);
    sigma_w = 0.57..., sigma_b = 0.03... is in the ordered phase (chi_1 = 0.33... at depth); sigma_w = 1.09... would be
    critical.
    >>> print(found)
    Gradients vanish over 10 layers: of that at the last 0.00... arrives at the first; outputs have a root mean square
    of 0.0...
    <BLANKLINE>
    all layers: Linear 300 -> 300
        layer  sigma_w  sigma_b        q   theory    1 - c    theory  gradient    theory
     1  0        0.57...
     ...
    """
    needs("eoc.diagnose.torch", extra="torch", libraries=("torch",))
    from eoc.diagnose.run import run

    return run(model, batch, activation, loss, seed)
