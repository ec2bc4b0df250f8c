"""Single tensors on the edge of chaos, in the style of torch.nn.init."""

from __future__ import annotations

import torch

from eoc.errors import EocError
from eoc.initializers.torch.draw import check_generator, check_range, check_tensor, draw_normal, draw_orthogonal
from eoc.operating_point import sigmas

__all__ = ["eoc_bias_", "eoc_normal_", "eoc_orthogonal_"]


def eoc_normal_(
    weight: torch.Tensor,
    activation: object = None,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Fill a weight with N(0, sigma_w^2 / fan_in), on the edge of chaos of the activation that follows.

    Biases belong to it: :func:`eoc_bias_` with the same arguments.

    Parameters
    ----------
    weight
        Of a linear layer, (outputs, inputs), or a convolution, (outputs, inputs / groups, kernel...); of any floating
        type. fan_in is the number of weights of one output, weight[0].numel(): inputs / groups times the receptive
        field. A transposed convolution has its inputs first, and so another fan-in; :func:`initialize_` knows it.
    activation
        Follows the layer: whatever :func:`eoc.activation` understands. None if sigma_w and sigma_b are both given.
    sigma_w, sigma_b, q
        Which point: see :func:`eoc.operating_point.operating_point`. None of them: the recommended one.
    depth
        Layers of the network, for which the point is recommended; None: the default of :func:`eoc.recommend`.
    generator
        Source of random numbers; None: torch's global one. May live on another device than the weight.

    Returns
    -------
    torch.Tensor
        The weight, filled in place.

    Raises
    ------
    EocError
        If there is no usable point; for a tensor that is not of real floating-point numbers, has fewer than two
        dimensions, or holds no numbers yet (meta device, lazy modules).

    Notes
    -----
    Draws are made in float32 (float64 for float64) and rounded, so that one seed gives the same draw in half precision.
    Zero padding of convolutions makes variances smaller at the border than the maps say; circular padding does not.

    Examples
    --------
    >>> weight = torch.empty(500, 400)
    >>> drawn = eoc_normal_(weight, "tanh", sigma_b=0.2, generator=torch.Generator().manual_seed(0))
    >>> drawn is weight, round(float(weight.std()) * 400**0.5, 2)
    (True, 1.3)
    """
    check_tensor(weight, "weight", dimensions=2)
    check_generator(generator)
    width, _ = sigmas(activation, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=depth)
    if weight.numel() == 0:
        return weight
    std = width / weight[0].numel() ** 0.5
    check_range(std, weight.dtype, "weight")
    return draw_normal(weight, std, generator)


def eoc_orthogonal_(
    weight: torch.Tensor,
    activation: object = None,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    groups: int = 1,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Fill a weight with a random orthogonal matrix, on the edge of chaos of the activation that follows.

    With at least as many inputs as outputs, W W^T = sigma_w^2 I; with fewer, W^T W = sigma_w^2 (outputs / inputs) I.
    Either way entries have the mean square sigma_w^2 / inputs, as in :func:`eoc_normal_`, and the maps are the same in
    wide layers. Convolutions are delta-orthogonal (Xiao et al. 2018, arXiv 1806.05393): such a matrix at the centre
    tap, index k // 2 of a kernel of k taps, and zeros elsewhere. One tap counts: fan_in is inputs / groups.

    Parameters
    ----------
    weight, activation, sigma_w, sigma_b, q, depth, generator
        As in :func:`eoc_normal_`.
    groups
        Of a convolution: one matrix for each. It divides the number of outputs.

    Returns
    -------
    torch.Tensor
        The weight, filled in place.

    Raises
    ------
    EocError
        As :func:`eoc_normal_`, and if groups does not divide the outputs.

    Notes
    -----
    Matrices are uniformly distributed (Haar measure), and orthogonal to the rounding of their type. Dilation changes
    nothing; zero padding nothing for odd kernels, whose centre tap never reads it; a stride only drops pixels. A
    transposed convolution would leave all pixels but every stride-th empty: take :func:`initialize_` for those.

    Examples
    --------
    >>> weight = torch.empty(3, 5, dtype=torch.float64)
    >>> weight = eoc_orthogonal_(weight, "relu", generator=torch.Generator().manual_seed(0))
    >>> (weight @ weight.T).diagonal().tolist()
    [2.0, 2.0, 2.0]
    """
    check_tensor(weight, "weight", dimensions=2)
    check_generator(generator)
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1 or weight.shape[0] % groups:
        raise EocError(f"groups must be a whole number >= 1 that divides the {weight.shape[0]} outputs, got {groups!r}")
    width, _ = sigmas(activation, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=depth)
    if weight.numel() == 0:
        return weight
    check_range(width / weight.shape[1] ** 0.5, weight.dtype, "weight")
    return draw_orthogonal(weight, width, groups, generator)


def eoc_bias_(
    bias: torch.Tensor,
    activation: object = None,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Fill a bias with N(0, sigma_b^2), on the edge of chaos of the activation that follows.

    Parameters
    ----------
    bias
        Of any shape and floating type.
    activation, sigma_w, sigma_b, q, depth, generator
        As in :func:`eoc_normal_`, and the same values as for the weight.

    Returns
    -------
    torch.Tensor
        The bias, filled in place.

    Raises
    ------
    EocError
        As :func:`eoc_normal_`.

    Examples
    --------
    >>> eoc_bias_(torch.ones(3), "relu")
    tensor([0., 0., 0.])
    """
    check_tensor(bias, "bias", dimensions=0)
    check_generator(generator)
    _, spread = sigmas(activation, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=depth)
    check_range(spread, bias.dtype, "bias")
    return draw_normal(bias, spread, generator)
