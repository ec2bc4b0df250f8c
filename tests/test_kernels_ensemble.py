"""Ensembles of trained networks: what gradient descent on the linearised network does, step by step."""

from __future__ import annotations

import numpy as np
import pytest

import eoc
from eoc.errors import EocError
from eoc.floats import FloatArray

PLACE = {"depth": 2, "sigma_w": 1.5, "sigma_b": 0.3}


def unit_vectors(count: int, seed: int) -> FloatArray:
    x = np.random.default_rng(seed).standard_normal((count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


X, NEW = unit_vectors(6, 0), unit_vectors(4, 1)
Y = np.sin(3.0 * X[:, 0])


@pytest.mark.parametrize("network", ["relu", "erf", "residual(relu, dense(1))"])
def test_it_is_gradient_descent_with_small_steps(network):
    place = {"depth": 2} if "dense" in network else PLACE
    found = eoc.ensemble(network, X, Y, **place)
    cross, own = eoc.kernel(network, NEW, X, **place), found.kernels
    step, steps = 1e-3, 1000
    mean, at_data = np.zeros(4), np.zeros(6)
    for _ in range(steps):
        mean, at_data = mean + step * cross.ntk @ (Y - at_data), at_data + step * own.ntk @ (Y - at_data)
    predicted = found.predict(NEW, step * steps)
    np.testing.assert_allclose(predicted.mean, mean, atol=5e-3)
    twice = found.predict(np.concatenate([NEW, X]), step * steps).covariance
    joint = eoc.kernel(network, np.concatenate([NEW, X]), **place)
    # a network that begins at f ends at f - Theta_xX g_t f(X): sampled covariances, exactly
    g = found.eigenvectors * (-np.expm1(-found.eigenvalues * step * steps) / found.eigenvalues) @ found.eigenvectors.T
    moved = np.eye(10) - np.pad(joint.ntk[:, 4:] @ g, ((0, 0), (4, 0)))
    np.testing.assert_allclose(twice, moved @ joint.nngp @ moved.T, atol=1e-10)
    assert (predicted.standard_deviation >= 0.0).all()


def test_before_training_it_is_the_prior_and_after_it_the_data():
    found = eoc.ensemble("relu", X, Y, **PLACE)
    start, end = found.predict(NEW, 0.0), found.predict(X)
    np.testing.assert_allclose(start.covariance, eoc.kernel("relu", NEW, **PLACE).nngp, rtol=1e-12)
    assert not start.mean.any()
    np.testing.assert_allclose(end.mean, Y, atol=1e-10)
    np.testing.assert_allclose(end.covariance, 0.0, atol=1e-10)


def test_of_the_first_layer_alone_it_is_the_posterior_of_a_gaussian_process():
    x, new = np.eye(4)[:3] + 0.1, unit_vectors(4, 2) @ np.eye(3, 4)
    place = {"depth": 0, "sigma_w": 1.3, "sigma_b": 0.4}
    found = eoc.ensemble("relu", x, Y[:3], **place).predict(new)
    k, cross, prior = (eoc.kernel("relu", *pair, **place).nngp for pair in ((x,), (new, x), (new,)))
    np.testing.assert_allclose(found.mean, cross @ np.linalg.solve(k, Y[:3]), rtol=1e-9)
    np.testing.assert_allclose(found.covariance, prior - cross @ np.linalg.solve(k, cross.T), atol=1e-12)


def test_learning_curves_fall_to_0_on_the_data_and_are_those_of_predictions():
    found = eoc.ensemble("erf", X, np.stack([Y, -2.0 * Y], axis=1), **PLACE)
    wanted = np.zeros((4, 2))
    curve = found.learning_curve([0.0, 0.5, 5.0, np.inf], NEW, wanted)
    assert (np.diff(curve.train) < 0.0).all()
    assert curve.train[-1] < 1e-15
    at = found.predict(NEW, 0.5)
    assert curve.test_of_mean[1] == pytest.approx(np.square(at.mean).mean())
    assert curve.test[1] == pytest.approx(np.square(at.mean).mean() + np.square(at.standard_deviation).mean())
    assert found.learning_curve(1.0).test is None


def test_the_same_input_twice_is_learned_as_the_mean():
    x = np.concatenate([X, X[:1]])
    found = eoc.ensemble("relu", x, np.append(Y, Y[0] + 1.0), **PLACE)
    assert found.unlearned == 1
    assert found.predict(X[:1]).mean[0] == pytest.approx(Y[0] + 0.5, abs=1e-9)


def test_the_standard_parameterisation_learns_faster_by_the_width():
    slow = eoc.ensemble("relu", X, Y, **PLACE)
    fast = eoc.ensemble("relu", X, Y, **PLACE, parameterization="standard", width=1e4)
    assert fast.eigenvalues[0] > 1e3 * slow.eigenvalues[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.predict(NEW, -1.0), "time must be"),
        (lambda e: e.predict(NEW[:, :2]), r"x must be \(m, 3\)"),
        (lambda e: e.learning_curve([1.0], NEW), "x and y go together"),
        (lambda e: e.learning_curve([1.0], NEW, np.zeros((4, 2))), "as many outputs"),
        (lambda e: eoc.ensemble("relu", X, Y[:2], **PLACE), "y must be"),
        (lambda e: eoc.ensemble("relu", X, Y * np.nan, **PLACE), "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    found = eoc.ensemble("relu", X, Y, **PLACE)
    with pytest.raises(EocError, match=message):
        call(found)
