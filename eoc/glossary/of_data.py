"""Words for what becomes of data, of weights and of networks of finite width."""

from eoc.glossary.entry import Entry

__all__ = ["OF_DATA"]

_KERNELS, _JACOBIAN, _WIDTH = "concepts/kernels", "concepts/jacobians", "concepts/finite-width"
_KERNEL_COMMAND = "eoc kernel gelu digits --depth 5 --inputs 100"
_SHAPE = "eoc shape gelu --depth 60"

OF_DATA = (
    Entry(
        "mean field",
        "The theory of networks whose layers are infinitely wide: units are Gaussian, and two numbers, a variance "
        "and a correlation, say everything of two inputs.",
        "",
        "",
        "concepts/variance-map",
        "eoc propagate gelu --sigma-w 1.4 --sigma-b 0.62 --depth 30",
        ("mean-field theory", "wide limit", "infinite width"),
    ),
    Entry(
        "finite width",
        "What networks of N units a layer do beside the theory: they stray by about 1/sqrt(N), more with depth.",
        "std(q_l - F(...)) = O(1 / sqrt(N))",
        r"q_l - \tilde q_l = O(N^{-1/2})",
        _WIDTH,
        "eoc montecarlo lengths tanh --sigma-b 0.2 --depth 4",
        ("width", "N"),
    ),
    Entry(
        "z",
        "Measured less predicted, in standard errors. Between -2 and 2 in 95 of 100 comparisons of what agrees.",
        "z = (measured - theory) / standard error",
        r"z = \frac{\mathrm{measured} - \mathrm{theory}}{\mathrm{standard\ error}}",
        _WIDTH,
        "eoc montecarlo lengths tanh --sigma-b 0.2 --depth 4",
        ("z-score",),
    ),
    Entry(
        "error bound",
        "Every number comes with one: the true value lies within it. Printed numbers have only the digits that it "
        "leaves certain.",
        "|value - exact| <= error",
        r"|\mathrm{value} - \mathrm{exact}| \le \mathrm{error}",
        "numerics",
        "eoc maps gelu --q 1 --json",
        ("error", "+-", "accuracy"),
    ),
    Entry(
        "orthogonal",
        "Weights drawn as a random orthogonal matrix times sigma_w: the same maps as Gaussian ones, but singular "
        "values that stay together over depth.",
        "W^T W = sigma_w^2 I",
        r"W^T W = \sigma_w^2 I",
        _JACOBIAN,
        "eoc jacobian tanh --sigma-b 0.1 --depth 20",
        ("orthogonal weights", "gaussian weights"),
    ),
    Entry(
        "Jacobian",
        "The derivative of the last layer by the first. Its squared singular values s^2 say how much single "
        "directions are stretched; their mean is chi_1^L.",
        "mean of s^2 = chi_1^L",
        r"\overline{s^2} = \chi_1^L",
        _JACOBIAN,
        "eoc jacobian tanh --sigma-b 0.1 --depth 20",
        ("singular values", "spectrum"),
    ),
    Entry(
        "dynamical isometry",
        "All singular values of the Jacobian close to 1, whatever the depth: with orthogonal weights and activations "
        "that are linear enough.",
        "largest s^2 = O(1) as L grows",
        r"s_{\max}^2 = O(1)",
        _JACOBIAN,
        "eoc jacobian tanh --depth 20 --below 4",
        ("isometry", "largest"),
    ),
    Entry(
        "atoms",
        "Values that a finite share of all squared singular values has, such as the zeros of a ReLU network.",
        "",
        "",
        _JACOBIAN,
        "eoc jacobian relu --depth 3",
        ("atom",),
    ),
    Entry(
        "NNGP",
        "The covariance of the outputs of infinitely wide networks on data: the kernel of the Gaussian process that "
        "they are.",
        "K_l = sigma_b^2 + sigma_w^2 E[phi(u) phi(v)],  (u, v) ~ N(0, K_(l-1))",
        r"K_l = \sigma_b^2 + \sigma_w^2\, E[\phi(u)\, \phi(v)], \quad (u, v) \sim N(0, K_{l-1})",
        _KERNELS,
        _KERNEL_COMMAND,
        ("Gaussian process",),
    ),
    Entry(
        "NTK",
        "The neural tangent kernel: inner products of the gradients of outputs by all weights. It says how gradient "
        "descent moves a wide network.",
        "T_l = K_l + sigma_w^2 E[phi'(u) phi'(v)] T_(l-1)",
        r"\Theta_l = K_l + \sigma_w^2\, E[\phi'(u)\, \phi'(v)]\, \Theta_{l-1}",
        _KERNELS,
        _KERNEL_COMMAND,
        ("neural tangent kernel",),
    ),
    Entry(
        "condition number",
        "The largest eigenvalue of a kernel over the smallest: how much slower the slowest direction is learnt.",
        "kappa = lambda_max / lambda_min",
        r"\lambda_{\max} / \lambda_{\min}",
        _KERNELS,
        _KERNEL_COMMAND,
        ("conditioning",),
    ),
    Entry(
        "effective dimension",
        "In about how many directions the outputs on data vary.",
        "(sum of eigenvalues)^2 / sum of their squares",
        r"\left(\sum_i \lambda_i\right)^2 / \sum_i \lambda_i^2",
        _KERNELS,
        _KERNEL_COMMAND,
        ("dim",),
    ),
    Entry(
        "jitter",
        "What has to be added to the diagonal of a kernel so that a Cholesky factorisation is safe.",
        "",
        "",
        _KERNELS,
        _KERNEL_COMMAND,
    ),
    Entry(
        "TAT",
        "Tailored activation transformations (Zhang et al. 2022): four numbers that change an activation so that "
        "networks of a given depth keep inputs apart.",
        "phi_hat(x) = gamma (phi(alpha x + beta) + delta)",
        r"\hat\phi(x) = \gamma\, (\phi(\alpha x + \beta) + \delta)",
        "concepts/shaping",
        _SHAPE,
        ("shaping", "shaped", "shape", "tau"),
    ),
    Entry(
        "DKS",
        "Deep kernel shaping (Martens et al. 2021): the same four numbers, solved for conditions on the slope of the "
        "correlation map over the whole network.",
        "C'(1) over all layers = zeta",
        r"C'(1) = \zeta",
        "concepts/shaping",
        f"{_SHAPE} --method dks",
        ("zeta",),
    ),
    Entry(
        "sensitivity",
        "How an expectation, chi_1 or the place on the edge of chaos moves with a parameter of the activation.",
        "d sigma_w / d alpha along the edge",
        r"\partial \sigma_w / \partial \alpha",
        "concepts/edge-of-chaos",
        "eoc sensitivity 'silu(beta=1.5)' --sigma-b 0.5",
        ("derivatives",),
    ),
    Entry(
        "diagnosis",
        "A real model beside theory, layer by layer: variances, correlations and gradients as they are measured.",
        "",
        "",
        "howto/find-out-why-a-network-does-not-train",
        "eoc diagnose my_model.py:build",
        ("diagnose",),
    ),
    Entry(
        "sweep",
        "One task at many points, from a YAML file, kept as one labelled data set.",
        "",
        "",
        "sweeps",
        "eoc sweep tasks",
        ("task", "sweeps"),
    ),
)
