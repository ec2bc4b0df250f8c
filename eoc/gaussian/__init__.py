"""Gaussian expectations, from the jitted kernels up.

One point: ``kernels`` (sums over nodes, polynomials) and ``rule`` (Gauss-Legendre) <- ``panels`` (adaptive quadrature
of any integrands) <- ``octaves`` (integrals as polynomials in log q) <- ``integrands`` (those of an activation, with
``tangent``) <- ``moments`` (what is asked for, with error bounds).

Two points: ``lines`` (panels on many lines) <- ``plane`` (over the plane) and ``shifted`` (means of Gaussians that are
centred anywhere) <- ``products`` (those of an activation, for a range of variances; ``hermite``: of a polynomial, in
closed form) <- ``sources`` (what changes with the angle) and ``angle`` (series in it) <- ``angular`` (integrals of the
sources from c = 1) and ``hinges`` (many straight lines at two variances) <- ``bivariate`` (what is asked for, with
error bounds) and ``surface`` (the same functions of the angle for all variances at once). Many: ``softmax``.
"""
