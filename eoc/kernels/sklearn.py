r"""The kernels of wide networks for scikit-learn: Gaussian processes, kernel ridge, support vectors, cross-validation.

:class:`NNGP` makes a Gaussian process the prior of infinitely wide networks (Lee et al. 2018), :class:`NTK` that of
their training (Jacot et al. 2018). Their hyperparameters are sigma_w and sigma_b. Gradients by log(sigma) are central
differences of fourth order: kernels are analytic in it and known to some 1e-14, so that these are right to about 1e-9
of the largest entry, for any network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from eoc.floats import FloatArray
from eoc.frameworks import needs
from eoc.kernels.kernel import kernel, kernel_diagonals

needs("eoc.kernels.sklearn", extra="sklearn", libraries=("sklearn",))

from sklearn.gaussian_process.kernels import Hyperparameter, Kernel  # noqa: E402

__all__ = ["NNGP", "NTK"]

_Bounds = tuple[float, float] | Literal["fixed"]

_STEP = 5e-3  # of log(sigma), over the number of layers: kernels are about homogeneous, of twice that degree
_WEIGHTS = ((-2.0, 1.0 / 12.0), (-1.0, -2.0 / 3.0), (1.0, 2.0 / 3.0), (2.0, -1.0 / 12.0))


class _WideNetwork(Kernel):
    """Parameters and gradients, which both kernels share."""

    _which: Literal["nngp", "ntk"]

    def __init__(
        self,
        network: object = "relu",
        depth: int = 1,
        sigma_w: float | None = 2.0**0.5,
        sigma_b: float = 0.1,
        sigma_w_bounds: _Bounds = (0.2, 5.0),
        sigma_b_bounds: _Bounds = (1e-3, 5.0),
    ) -> None:
        self.network = network
        self.depth = depth
        self.sigma_w = sigma_w
        self.sigma_b = sigma_b
        self.sigma_w_bounds = sigma_w_bounds
        self.sigma_b_bounds = sigma_b_bounds

    @property
    def hyperparameter_sigma_w(self) -> Hyperparameter:
        """sigma_w, fixed where the network has none."""
        return _hyperparameter("sigma_w", self.sigma_w, self.sigma_w_bounds)

    @property
    def hyperparameter_sigma_b(self) -> Hyperparameter:
        """sigma_b, fixed where it is 0."""
        return _hyperparameter("sigma_b", self.sigma_b, self.sigma_b_bounds)

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False) -> Any:
        """The kernel (n, m) of two sets of vectors or of one with itself, and its gradient (n, n, parameters).

        Parameters
        ----------
        X, Y
            (n, d) and (m, d).
        eval_gradient
            Whether the derivatives by the logarithms of sigma_w and sigma_b that are not fixed are wanted; without Y.
        """
        first = np.atleast_2d(X)
        if not eval_gradient:
            return self._kernel(first, None if Y is None else np.atleast_2d(Y), {})
        if Y is not None:
            raise ValueError("Gradient can only be evaluated when Y is None.")
        names = [one.name for one in self.hyperparameters if not one.fixed]
        gradient = np.empty((len(first), len(first), len(names)))
        for i, name in enumerate(names):
            gradient[:, :, i] = self._slope(name, lambda given: self._kernel(first, None, given))
        return self._kernel(first, None, {}), gradient

    def diag(self, X: ArrayLike) -> FloatArray:
        """The diagonal (n,) of the kernel of vectors with themselves."""
        nngp, ntk = kernel_diagonals(self.network, np.atleast_2d(X), depth=self.depth, **self._sigmas({}))
        return nngp if self._which == "nngp" else ntk

    def is_stationary(self) -> bool:
        """No: it depends on more than differences."""
        return False

    def _kernel(self, x: FloatArray, y: FloatArray | None, given: dict[str, float]) -> FloatArray:
        found = kernel(self.network, x, y, depth=self.depth, **self._sigmas(given))
        return np.asarray(getattr(found, self._which))

    def _sigmas(self, given: dict[str, float]) -> dict[str, Any]:
        return {"sigma_w": self.sigma_w, "sigma_b": self.sigma_b, **given}

    def _slope(self, name: str, at: Callable[[dict[str, float]], FloatArray]) -> FloatArray:
        """The derivative by the logarithm of a parameter."""
        step, value = _STEP / (self.depth + 1.0), getattr(self, name)
        parts = [weight * at({name: value * np.exp(times * step)}) for times, weight in _WEIGHTS]
        return np.asarray(np.sum(parts, axis=0) / step)

    def __repr__(self) -> str:
        sigmas = "" if self.sigma_w is None else f", sigma_w={self.sigma_w:.3g}, sigma_b={self.sigma_b:.3g}"
        return f"{type(self).__name__}({str(self.network)!r}, depth={self.depth}{sigmas})"


class NNGP(_WideNetwork):
    """The covariance of the outputs of a wide network over its random weights.

    Parameters
    ----------
    network
        An activation or a network, as of :func:`eoc.kernel`.
    depth
        Blocks: activations of a plain network.
    sigma_w, sigma_b
        Hyperparameters. ``sigma_w=None, sigma_b=0`` for networks without a ``dense`` that is free.
    sigma_w_bounds, sigma_b_bounds
        Between which they are optimised; "fixed" for not at all. A sigma_b of 0 stays so.

    Examples
    --------
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> x = np.linspace(-1.0, 1.0, 5)[:, None]
    >>> model = GaussianProcessRegressor(NNGP("relu", depth=2, sigma_b=0.3), optimizer=None).fit(x, x**2)
    >>> model.predict(x).round(4).tolist()
    [1.0, 0.25, 0.0, 0.25, 1.0]
    """

    _which = "nngp"


class NTK(_WideNetwork):
    """The neural tangent kernel of a wide network, in NTK parameterisation.

    Parameters
    ----------
    network, depth, sigma_w, sigma_b, sigma_w_bounds, sigma_b_bounds
        As of :class:`NNGP`.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), [1, 1, 0, 0]
    >>> SVC(kernel=NTK("relu", depth=3), C=1e3).fit(x, y).score(x, y)  # exclusive or
    1.0
    """

    _which = "ntk"


def _hyperparameter(name: str, value: float | None, bounds: _Bounds) -> Hyperparameter:
    return Hyperparameter(name, "numeric", bounds if value else "fixed")
