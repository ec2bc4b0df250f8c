"""Gaussian expectations, from the jitted kernels up.

``kernels`` (sums over nodes, polynomials) <- ``panels`` (adaptive quadrature of any integrands) <- ``octaves``
(integrals as polynomials in log q) <- ``integrands`` (those of an activation, with ``tangent``) <- ``moments`` (what is
asked for, with error bounds).
"""
