"""The kernels for scikit-learn: what it asks of a kernel, and its estimators."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

import eoc
from eoc.kernels.sklearn import NNGP, NTK

_RANDOM = np.random.default_rng(0)
X = _RANDOM.standard_normal((6, 3))
X /= np.linalg.norm(X, axis=1, keepdims=True)
Y = X[:, 0] * X[:, 1]
NEW = _RANDOM.standard_normal((3, 3))
KERNELS = [
    NNGP(),
    NTK("erf", depth=2, sigma_b=0.3),
    NTK("tanh", sigma_b=0.0),
    NNGP("relu", depth=10, sigma_b_bounds="fixed"),
    NTK("resnet", depth=3),
    NTK("residual(layernorm, dense(1.4), relu, dense(1))", depth=2, sigma_w=None, sigma_b=0.0),
]
SUMS = ConstantKernel(2.0) * NTK("relu", depth=2) + WhiteKernel(0.1)


@pytest.mark.parametrize("kernel", [*KERNELS, SUMS], ids=str)
def test_the_numerical_gradient_check(kernel):
    matrix, gradient = kernel(X, eval_gradient=True)
    assert gradient.shape == (6, 6, kernel.theta.size)
    np.testing.assert_array_equal(matrix, kernel(X))
    step = 1e-6
    for i in range(kernel.theta.size):
        moved = [kernel.clone_with_theta(kernel.theta + sign * step * np.eye(kernel.theta.size)[i]) for sign in (1, -1)]
        slopes = (moved[0](X) - moved[1](X)) / (2.0 * step)
        np.testing.assert_allclose(gradient[:, :, i], slopes, atol=1e-7 * np.abs(slopes).max())


def test_gradients_are_right_to_nine_digits_where_they_are_known():
    """The NTK without bias is homogeneous in sigma_w, of degree 2 L + 2."""
    matrix, gradient = NTK("relu", depth=7, sigma_b=0.0)(X, eval_gradient=True)
    np.testing.assert_allclose(gradient[:, :, 0], 16.0 * matrix, rtol=1e-9)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_what_scikit_learn_asks_of_a_kernel(kernel):
    again = clone(kernel)
    assert again == kernel
    assert again is not kernel
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(kernel))(X), kernel(X))
    np.testing.assert_allclose(kernel(X, X), kernel(X), rtol=1e-12)
    np.testing.assert_allclose(kernel.diag(X), np.diag(kernel(X)), rtol=1e-12)
    assert not kernel.is_stationary()
    assert kernel.bounds.size == 2 * kernel.theta.size
    kernel.set_params(depth=1)
    assert kernel.depth == 1
    kernel.set_params(depth=again.depth)
    moved = kernel.clone_with_theta(kernel.theta + 0.1)
    np.testing.assert_allclose(moved.theta, kernel.theta + 0.1)
    with pytest.raises(ValueError, match="Y is None"):
        kernel(X, X, eval_gradient=True)


def test_they_are_the_kernels():
    place = {"depth": 2, "sigma_w": 1.4, "sigma_b": 0.2}
    found = eoc.kernel("relu", X, **place)
    np.testing.assert_array_equal(NNGP("relu", **place)(X), found.nngp)
    np.testing.assert_array_equal(NTK("relu", **place)(X), found.ntk)


def test_gaussian_processes_find_their_hyperparameters():
    data = _RANDOM.standard_normal((12, 3))
    true = NNGP("relu", depth=1, sigma_w=0.8, sigma_b=0.5)
    y = np.linalg.cholesky(true(data) + 1e-4 * np.eye(12)) @ _RANDOM.standard_normal(12)
    model = GaussianProcessRegressor(NNGP("relu", depth=1, sigma_w_bounds=(0.01, 50.0)), alpha=1e-4).fit(data, y)
    exact = GaussianProcessRegressor(true, alpha=1e-4, optimizer=None).fit(data, y)
    assert model.log_marginal_likelihood_value_ >= exact.log_marginal_likelihood_value_ - 1e-6
    slope = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)[1]
    inside = np.abs(model.kernel_.theta - model.kernel_.bounds.T).min(axis=0) > 1e-6
    assert (np.abs(slope[inside]) < 0.1).all()
    assert model.predict(NEW, return_std=True)[1].shape == (3,)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of scikit-learn, about what it tries
def test_the_estimator_checks_of_scikit_learn_pass():
    check_estimator(GaussianProcessRegressor(NNGP("relu", depth=1), optimizer=None))


def test_an_ensemble_of_the_first_layer_is_the_gaussian_process():
    place = {"depth": 0, "sigma_w": 1.4, "sigma_b": 0.6}
    x = X[:4]
    gp = GaussianProcessRegressor(NNGP("relu", **place), alpha=0.0, optimizer=None).fit(x, Y[:4])
    mean, covariance = gp.predict(NEW, return_cov=True)
    found = eoc.ensemble("relu", x, Y[:4], **place).predict(NEW)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-8)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-10)


def test_classifiers_ridge_and_cross_validation():
    images, labels = load_digits(n_class=4, return_X_y=True)
    images, labels = images[:120] / np.linalg.norm(images[:120], axis=1, keepdims=True), labels[:120]
    scores = cross_val_score(SVC(kernel=NTK("erf", depth=2)), images, labels, cv=3)
    assert scores.mean() > 0.9
    search = GridSearchCV(SVC(kernel=NTK("relu")), {"kernel__depth": [1, 3]}, cv=2).fit(images, labels)
    assert search.best_score_ > 0.75
    two = labels < 2
    model = GaussianProcessClassifier(NNGP("relu", depth=1), optimizer=None).fit(images[two], labels[two])
    assert model.score(images[two], labels[two]) == 1.0
    matrix = eoc.kernel("relu", images, depth=1, sigma_w=2**0.5).ntk
    ridge = KernelRidge(alpha=1e-3, kernel="precomputed").fit(matrix, labels)
    assert np.abs(ridge.predict(matrix) - labels).mean() < 0.2
