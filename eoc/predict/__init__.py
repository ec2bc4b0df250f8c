"""What theory says of a real model, step by step, before it is run.

``state`` holds what is known behind a step, ``steps`` the op of the algebra that a step is; ``forward`` follows
signals, ``backward`` gradients. ``learned`` reads the numbers that a model has, ``inputs`` what it is called with;
``whole`` makes of them a ``result``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eoc.frameworks import needs

if TYPE_CHECKING:
    from eoc.predict.result import Prediction

__all__ = ["torch"]


def torch(
    model: Any, example_inputs: Any = None, *, input_variance: float = 1.0, activation: object = None
) -> Prediction:
    r"""What a PyTorch model does to signals and gradients, as its weights are now, without measuring anything.

    Layers are taken for random ones with independent entries of the sizes that their weights and biases have,

    .. math:: \sigma_w^2 = n_{in} \, \overline{W^2}, \qquad \sigma_b^2 = \overline{b^2},

    and every step for what it does to second moments in wide layers (:mod:`eoc.layers`).

    Parameters
    ----------
    model
        A ``torch.nn.Module``; it is left as it is.
    example_inputs
        What the model is called with: a tensor, a tuple of arguments, or a dictionary of arguments by name. With them
        any model can be read, padding, pooling and attention are known by their sizes, the first layers see the mean
        squares of these inputs, and the correlations of all of them are followed.
    input_variance
        The mean square of the inputs where none are given: a number > 0.
    activation
        What activation functions of the model's own are taken for that cannot be read.

    Returns
    -------
    Prediction
        For each step the mean square, 1 - c of two inputs, the gradient over that at the output, and whether these are
        exact in wide layers, approximate (what was neglected is said) or unknown (why). ``print`` shows it,
        ``.problems`` says what is off by more than a decade, ``.rows`` and ``.to_dict()`` give it to programs.

    Raises
    ------
    EocError
        For what is no model, one without numbers, example inputs that it cannot be run on, and a variance that is none.
    MissingFrameworkError
        Where PyTorch is not installed.

    Notes
    -----
    Gradients go back by the transpose of what tangents do forward. Weights that depend on each other, as trained ones,
    are outside: :func:`eoc.diagnose.torch` measures.

    Poole et al. (2016) for signals, Schoenholz et al. (2017) for gradients.

    Examples
    --------
    >>> import torch as pytorch
    >>> import eoc.predict
    >>> _ = pytorch.manual_seed(1)
    >>> layers = [pytorch.nn.Linear(300, 300) for _ in range(10)]
    >>> model = pytorch.nn.Sequential(*(part for layer in layers for part in (layer, pytorch.nn.Tanh())))
    >>> found = eoc.predict.torch(model, pytorch.randn(8, 300))  # as PyTorch initialises
    >>> print(found.verdict)
    Outputs have a root mean square of 0.042; gradients vanish: at 0 they are 0.0052 times those at the output.
    >>> found.rows[1].name, found.rows[1].kind, round(found.rows[1].mean_square, 1), str(found.rows[1].known)
    ('0', 'layer', 0.3, 'exact')
    """
    needs("eoc.predict.torch", extra="torch", libraries=("torch",))
    from eoc.predict.whole import predict

    return predict(model, example_inputs, input_variance, activation)
