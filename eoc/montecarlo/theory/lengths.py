r"""How far finite networks stray from the variance map, to leading order in 1/N.

K_l is the variance of the units of layer l given the layer before, N_l their number, V(q) = E[phi(sqrt(q) Z)^2],
F = sigma_b^2 + sigma_w^2 V. With Gaussian weights the units are independent given K_l, so that (Roberts, Yaida and
Hanin 2022)

.. math:: Var K_{l+1} = F'(q)^2 Var K_l + \frac{\sigma_w^4}{N_l} Var(\phi^2), \qquad
          E K_{l+1} - \tilde q_{l+1} = F'(q) (E K_l - \tilde q_l) + \tfrac12 F''(q) Var K_l,

all at q = q~_l, the variance of infinite width. Given K_l the variance of q_l = |h_l|^2 / N_l is 2 K_l^2 / N_l, so
that Var q_l = Var K_l + 2 E[K_l^2] / N_l.

Orthogonal weights (Haar, of the same variance) turn the signal into N_l coordinates of a random point on a sphere in
M_l = max(N_l, N_{l-1}) dimensions, of radius^2 M_l k_l, k = K - sigma_b^2; biases are added afterwards. A Gaussian
vector is such a point with a radius^2 of its own, of relative variance 2/M, independent of the direction. Taking it
away takes from each result what it adds through F' and F'' to K_{l+1}:

.. math:: Var K_{l+1}: -\frac{2}{M_l} k_l^2 F'^2, \quad E K_{l+1}: -\frac{1}{M_l} k_l^2 F''.

Given K_l, moments of q_l and of a unit h follow exactly:

.. math:: Var(q_l | K_l) = \frac{2}{N_l}
              \Bigl(\frac{M_l - N_l}{M_l + 2} k_l^2 + 2 \sigma_b^2 k_l + \sigma_b^4\Bigr), \qquad
          E[h^4 | K_l] = 3 K_l^2 - \frac{6}{M_l + 2} k_l^2.

Independent weights of another law, of the kurtosis g + 3, make units that are not Gaussian given K, with the fourth
cumulant

.. math:: \kappa_{l+1} = \frac{g}{N_l} \sigma_w^4 E[\phi^4], \qquad \kappa_1 = \frac{g}{N_0} k_1^2,

the latter for inputs whose N_0 components are all of one size. To order 1/N that adds kappa_l F''(q)/6 to E K_{l+1}, as
the mean of a fourth derivative is 4 d^2/dq^2 of the mean, and kappa_l to E[h^4 | K_l], and nothing to the variance of
K: units are still independent given the layer before (derived here).

For Gaussian weights and positively homogeneous phi, K_{l+1} = sigma_b^2 + sigma_w^2 K_l mean(phi(z)^2): mean and
variance then follow exactly at any width. For ReLU without bias Var K_l / K_l^2 = (1 + 5/N)^{l-1} - 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError, NotPermissibleError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, checked_variance, moments
from eoc.gaussian.quartic import fourth_moments, quartic_limit
from eoc.maps import VarianceMap
from eoc.montecarlo.sampling.laws import law
from eoc.montecarlo.settings import checked_count, checked_widths
from eoc.montecarlo.theory.expectations import DIFFERENCE_ERROR, derivatives
from eoc.montecarlo.theory.length_layers import Layers, recursion, truncation
from eoc.validation import real_number

__all__ = ["LengthTheory", "length_theory", "second_layer_covariance"]


_Q_RANGE = (1e-120, 1e120)  # so that squares of variances, and those of widths, stay within double precision


@dataclass(frozen=True)
class LengthTheory:
    """What theory says of the variances in a finite network, for its layers l = 1 .. L.

    Attributes
    ----------
    widths : (L,)
        N_l.
    q : Estimate of shape (L,)
        q~_l, the variance at infinite width, with bounds on the errors.
    shift : Estimate of shape (L,)
        E[K_l] - q~_l = E[q_l] - q~_l.
    kernel_variance : Estimate of shape (L,)
        Var K_l over random networks.
    variance : Estimate of shape (L,)
        Var q_l.
    kurtosis : (L,)
        The excess kurtosis of a unit over random networks.
    cumulant : (L,)
        The part of it, kappa_l / q~_l^2, that a unit has given the layer before, as weights are not Gaussian.
    shift_truncation, kernel_truncation, variance_truncation : (L,)
        Estimates, not bounds, of what the orders of 1/N left out may add to ``shift``, ``kernel_variance`` and
        ``variance``: absolute, 0 where nothing is left out.
    exact : bool
        Whether all this holds at any width: Gaussian weights and positively homogeneous phi.

    Notes
    -----
    The errors within the estimates are numerical ones; they say nothing of the theory.
    """

    widths: FloatArray
    q: Estimate
    shift: Estimate
    kernel_variance: Estimate
    variance: Estimate
    kurtosis: FloatArray
    cumulant: FloatArray
    shift_truncation: FloatArray
    kernel_truncation: FloatArray
    variance_truncation: FloatArray
    exact: bool

    @property
    def rms(self) -> FloatArray:
        """sqrt(N_l) times the root mean square of q_l - q~_l to leading order: sqrt(N_l Var q_l), (L,)."""
        return np.asarray(np.sqrt(self.widths * self.variance.value))


def length_theory(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    q: float,
    widths: ArrayLike,
    weights: object = "gaussian",
    fan_in: int | None = None,
) -> LengthTheory:
    """Mean and variance of K_l and q_l in networks of finite width.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0.
    q
        K_1 > 0, the variance of the first layer's units; at least sigma_b^2 for orthogonal weights.
    widths
        N_1 .. N_L: whole numbers >= 1, (L,).
    weights
        "gaussian", "orthogonal": Haar matrices, scaled to the same variance, or any law of :func:`eoc.montecarlo.law`
        whose kurtosis is known, such as "pruned(0.1)" or "levels(4)".
    fan_in
        The dimension N_0 of the inputs, which does not matter for Gaussian weights. Left out: at most N_1 for
        orthogonal ones, and N_1 for others.

    Returns
    -------
    LengthTheory
        For Gaussian weights and positively homogeneous phi exact; otherwise to leading order, with estimates of what
        is left out.

    Raises
    ------
    EocError
        For a network that makes no sense, or a layer whose variance leaves [1e-120, 1e120].
    NotPermissibleError
        Where E[phi^4] is infinite: it names the layer and its variance.
    AccuracyError
        Where an expectation cannot be computed.

    Notes
    -----
    Against simulations of six layers at width 20, Var K_l of tanh, erf, sigmoid and Heaviside networks is right within
    3% and Var q_l within 2%. Where F bends strongly the next order grows quickly: SiLU at sigma_w = 1.5, sigma_b = 0.3
    is off by a factor of 4 in the sixth layer (1.5 at width 80). What was missing was about as large as
    ``kernel_truncation`` there and smaller in all other cases, orthogonal weights included.

    Examples
    --------
    >>> relu = length_theory("relu", 2**0.5, q=1.0, widths=[100] * 5)
    >>> relu.exact, relu.kernel_variance.value.round(6).tolist()  # (1 + 5/N)^(l-1) - 1
    (True, [0.0, 0.05, 0.1025, 0.157625, 0.215506])
    >>> tanh = length_theory("tanh", 1.5**0.5, 0.1**0.5, q=1.0, widths=[100] * 5)
    >>> tanh.rms.round(6).tolist()
    [1.414214, 1.086278, 0.9583, 0.903974, 0.879487]
    """
    variance = VarianceMap(activation, sigma_w, sigma_b)
    found = law(weights)
    sizes, haar = np.array(checked_widths(widths), dtype=float), found.name == "orthogonal"
    if not (haar or np.isfinite(found.kurtosis)):
        raise EocError(f"theory needs the kurtosis of weights, and that of {found.name} is not known, or infinite")
    start, excess = _checked_start(variance, q, haar), 0.0 if haar else found.kurtosis - 3.0
    variances = _variances(variance, start, sizes.size)
    exact = variance.activation.is_positively_homogeneous and not haar and excess == 0.0
    layers = _layers(variance, variances, sizes, _dimensions(sizes, fan_in, haar), exact)
    inputs = sizes[0] if fan_in is None else checked_count("fan_in", fan_in)
    return _accumulated(replace(layers, cumulant=_cumulants(layers, excess, float(inputs))))


def _cumulants(layers: Layers, excess: float, inputs: float) -> FloatArray:
    """kappa_l; sigma_w^4 E[phi^4] is the noise and the square of what weights make of the variance."""
    fourth = np.append(layers.free[0] ** 2, layers.noise.value + layers.free[1:] ** 2)
    return np.asarray(excess * fourth / np.append(inputs, layers.widths[:-1]))


def second_layer_covariance(activation: object, sigma_w: float, sigma_b: float, q: float, width: int) -> Estimate:
    r"""cov(h_{2,1}^2, h_{2,2}^2) of two units of the second layer, exact at any width of the first (Gaussian weights).

    Given the first layer the units are independent with the variance K_2, so this is Var K_2 = sigma_w^4 Var(phi(h)^2)
    / N with h ~ N(0, q): they are not independent (Long & Sedghi 2019, theorem 10).

    Parameters
    ----------
    activation
        As for :func:`length_theory`.
    sigma_w, sigma_b
        Standard deviations of weights and biases, >= 0; that of the biases drops out.
    q
        K_1 > 0, the variance of the units of the first layer: sigma_w^2 + sigma_b^2 for their inputs.
    width
        N, the number of units of the first layer.

    Returns
    -------
    Estimate
        The covariance with a bound on its error.

    Raises
    ------
    EocError
        As :func:`length_theory`.

    Examples
    --------
    >>> second_layer_covariance("heaviside", 2.0, 0.0, 4.0, 10).value.round(12).item()  # sigma_w^4 / (4 N)
    0.4
    """
    return _item(length_theory(activation, sigma_w, sigma_b, q=q, widths=[width, 1]).kernel_variance, 1)


def _item(estimate: Estimate, index: int) -> Estimate:
    return Estimate(estimate.value[index, ...], estimate.error[index, ...])


def _checked_start(variance: VarianceMap, q: float, haar: bool) -> float:
    start, low, high = checked_variance(real_number("q", q)), *_Q_RANGE
    if not low <= start <= high:
        raise EocError(f"q must be a variance from {low:g} to {high:g}, got {start!r}")
    if haar and start < variance.sigma_b**2:
        raise EocError(
            f"q must be at least sigma_b^2 = {variance.sigma_b**2:g}, which biases alone give; got {start!r}"
        )
    return start


def _variances(variance: VarianceMap, start: float, depth: int) -> Estimate:
    """q~_l with error bounds, (depth,)."""
    q, errors = np.full(depth, start), np.zeros(depth)
    limit, (low, high) = quartic_limit(variance.activation), _Q_RANGE
    for i in range(1, depth):
        if q[i - 1] >= limit:
            raise NotPermissibleError(
                f"the variance of q_{i + 1} is infinite: {variance.activation.name} grows like exp(a x^2) or faster, "
                f"so E[phi^4] of layer {i}, where q = {q[i - 1]:g}, is finite only for q < 1/(8 a) = {limit:.12g}"
            )
        after, slope = variance.F(q[i - 1]), variance.slope(q[i - 1])
        q[i] = float(after.value)
        errors[i] = (abs(float(slope.value)) + float(slope.error)) * errors[i - 1] + float(after.error)
        if not low <= q[i] <= high:
            raise EocError(
                f"the variance of layer {i + 1} is {q[i]:g}, outside [{low:g}, {high:g}]: ask for fewer layers"
            )
    return Estimate(q, errors)


def _dimensions(widths: FloatArray, fan_in: int | None, haar: bool) -> FloatArray:
    """M_l, (L,)."""
    inputs = 1 if fan_in is None else checked_count("fan_in", fan_in)
    return np.maximum(widths, np.append(inputs, widths[:-1])) if haar else np.full(widths.size, np.inf)


def _layers(variance: VarianceMap, q: Estimate, widths: FloatArray, dimensions: FloatArray, exact: bool) -> Layers:
    """What every layer does; nothing is asked of phi where only one is there."""
    phi, nothing = variance.activation, Estimate(np.zeros(widths.size - 1), np.zeros(widths.size - 1))
    free = np.maximum(q.value - variance.sigma_b**2, 0.0)
    if widths.size == 1:
        return Layers(q, nothing, nothing, nothing, free, dimensions, widths, exact, np.zeros(1))
    inner = q.value[:-1]
    slope = variance.slope(inner)
    quartic = fourth_moments(phi, inner, ("Var phi^2",))["Var phi^2"]
    weight = variance.sigma_w**4
    noise = Estimate(weight * quartic.value, weight * quartic.error)
    if phi.is_positively_homogeneous:
        bend = nothing
    else:
        squared = variance.sigma_w**2
        curvature = derivatives(lambda x: squared * moments(phi, x, ("V",))["V"].value, inner)[1]
        bend = Estimate(curvature, DIFFERENCE_ERROR * squared * moments(phi, inner, ("V",))["V"].value / inner**2)
    return Layers(q, slope, bend, noise, free, dimensions, widths, exact, np.zeros(widths.size))


def _accumulated(layers: Layers) -> LengthTheory:
    """The recursion over layers, and what follows for q_l and for a unit."""
    n, m, q = layers.widths, layers.dimensions, layers.q.value
    kernel, shift = recursion(layers)
    kernel_lost, shift_lost = truncation(layers, kernel.value, shift.value)
    free, bias = layers.free + shift.value, q - layers.free
    square = free**2 + kernel.value  # E[k^2]
    part = np.divide(m - n, m + 2.0, out=np.ones(n.size), where=np.isfinite(m))
    own = layers.cumulant / n
    variance = kernel.value + 2.0 / n * (part * square + 2.0 * bias * free + bias**2) + own
    sphere = 6.0 / (m + 2.0)
    return LengthTheory(
        widths=n,
        q=layers.q,
        shift=shift,
        kernel_variance=kernel,
        variance=Estimate(
            variance, kernel.error * (1.0 + 2.0 / n) + 4.0 * q / n * (layers.q.error + shift.error + 2.0 * EPS * q)
        ),
        kurtosis=(3.0 * kernel.value - sphere * (layers.free**2 + kernel.value) + layers.cumulant) / q**2,
        cumulant=layers.cumulant / q**2,
        shift_truncation=shift_lost,
        kernel_truncation=kernel_lost,
        variance_truncation=kernel_lost * (1.0 + 2.0 * part / n) + 4.0 / n * (part * np.abs(free) + bias) * shift_lost,
        exact=layers.exact,
    )
