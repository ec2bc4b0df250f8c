"""Words for what depth does: the edge of chaos, phases, laws and depth scales."""

from eoc.glossary.entry import Entry

__all__ = ["OF_DEPTH"]

_EDGE, _STABLE, _RATES = "concepts/edge-of-chaos", "concepts/stability", "concepts/rates"
_PHASE = "eoc phase tanh --sigma-w 1.3 --sigma-b 0.3"

OF_DEPTH = (
    Entry(
        "edge of chaos",
        "The pairs (sigma_w, sigma_b) with chi_1 = 1, at which gradients and small differences between inputs keep "
        "their size through any depth. To be of use, its q has to be stable, too.",
        "sigma_w^2 = 1 / E[phi'^2],  sigma_b^2 = q - sigma_w^2 E[phi^2]",
        r"\sigma_w^2 = \frac{1}{E[\phi'(\sqrt q Z)^2]}, \quad \sigma_b^2 = q - \sigma_w^2\, E[\phi(\sqrt q Z)^2]",
        _EDGE,
        "eoc curve gelu",
        ("eoc", "critical line", "criticality", "EOC"),
    ),
    Entry(
        "ordered",
        "The phase with chi_1 < 1: inputs come to look alike, gradients vanish.",
        "chi_1 < 1",
        r"\chi_1 < 1",
        _EDGE,
        "eoc phase tanh --sigma-w 1 --sigma-b 0.2",
        ("ordered phase",),
    ),
    Entry(
        "chaotic",
        "The phase with chi_1 > 1: close inputs are torn apart, gradients explode.",
        "chi_1 > 1",
        r"\chi_1 > 1",
        _EDGE,
        "eoc phase tanh --sigma-w 2.5 --sigma-b 0.3",
        ("chaotic phase", "chaos"),
    ),
    Entry(
        "critical",
        "Between the phases, on the edge of chaos: gradients neither vanish nor explode.",
        "chi_1 = 1",
        r"\chi_1 = 1",
        _EDGE,
        "eoc phase relu --sigma-w 1.4142135623730951",
        ("critical point",),
    ),
    Entry(
        "divergent",
        "Variances grow without bound from layer to layer, and no q is kept.",
        "F(q) > q for all q beyond some",
        r"F(q) > q",
        _STABLE,
        "eoc phase silu --sigma-w 2 --sigma-b 0.2",
        ("diverges",),
    ),
    Entry(
        "stable",
        "Of a fixed point q of the variance map: variances near it come back to it. The edge of chaos of GELU and "
        "SiLU is unstable at small sigma_b, where published tables list points.",
        "|F'(q)| < 1",
        r"|F'(q)| < 1",
        _STABLE,
        "eoc init gelu --sigma-b 0.2",
        ("stable point",),
    ),
    Entry(
        "unstable",
        "Of a fixed point q of the variance map: variances near it leave it, to a smaller one or without end.",
        "|F'(q)| > 1",
        r"|F'(q)| > 1",
        _STABLE,
        "eoc init gelu --sigma-b 0.2 --unstable",
        ("unstable point",),
    ),
    Entry(
        "marginal",
        "Of a fixed point q of the variance map: variances near it neither leave nor return in proportion to the "
        "distance.",
        "|F'(q)| = 1",
        r"|F'(q)| = 1",
        _STABLE,
        "eoc init relu",
    ),
    Entry(
        "basin",
        "The variances of the first layer that end at this q. Where phi grows faster than x, larger ones overflow "
        "within a few layers.",
        "F(F(...F(q_1))) -> q*",
        r"F^{\circ l}(q_1) \to q^*",
        _STABLE,
        "eoc init 'polynomial([0, 1, 0, -0.1])' --sigma-b 0.2",
        ("basin of attraction", "overflows_above"),
    ),
    Entry(
        "rate",
        "The constant of the law by which 1 - c of two inputs falls with the layer l: beta_q for smooth activations, "
        "kappa where phi has kinks, 'constant' where correlations never change.",
        "1 - c_l ~ beta_q / l  or  kappa / l^2",
        r"1 - c_l \sim \beta_q / l \quad\text{or}\quad \kappa / l^2",
        _RATES,
        "eoc rates elu --sigma-b 0.2 --depth 1e5",
        ("law", "rates", "convergence"),
    ),
    Entry(
        "beta_q",
        "The constant of the law 1/l, of activations without kinks on the edge of chaos. The larger it is, the "
        "longer inputs stay apart.",
        "1 - c_l ~ beta_q / l,  beta_q = 2 E[phi'^2] / (q E[phi''^2])",
        r"1 - c_l \sim \frac{\beta_q}{l}, \quad \beta_q = \frac{2\, E[\phi'(\sqrt q Z)^2]}{q\, E[\phi''(\sqrt q Z)^2]}",
        _RATES,
        "eoc rates tanh --sigma-b 0.2",
        ("beta", "beta q", "1/l"),
    ),
    Entry(
        "kappa",
        "The constant of the law 1/l^2, of activations with kinks on the edge of chaos: 9 pi^2 / 2 for ReLU. Of "
        "kernels, kappa is a condition number.",
        "1 - c_l ~ kappa / l^2,  kappa = 4 / s^2 where 1 - f = e - s e^(3/2) + ...,  e = 1 - c",
        r"1 - c_l \sim \frac{\kappa}{l^2}, \quad \kappa = \frac{4}{s^2}, \quad 1 - f(c) = e - s\, e^{3/2} + \ldots",
        _RATES,
        "eoc rates relu",
        ("kappa_q", "1/l^2"),
    ),
    Entry(
        "lambda",
        "The layer as the law sees it: with its next orders the law is beta_q / lambda, which is right at depths "
        "that people use.",
        "lambda = l + R sqrt(l) + A log(l) + C",
        r"\lambda = l + R \sqrt l + A \log l + C",
        _RATES,
        "eoc rates elu --sigma-b 0.2 --depth 1e5",
        ("next orders", "offset"),
    ),
    Entry(
        "depth scale",
        "The number of layers after which a distance has fallen by e; written xi. On the edge of chaos, where "
        "nothing falls exponentially, the number of layers at which the law of 1 - c is 1.",
        "1 - c_l ~ exp(-l / xi_c)",
        r"1 - c_l \sim e^{-l / \xi_c}",
        _RATES,
        _PHASE,
        ("xi", "depth scales", "correlation depth"),
    ),
    Entry(
        "xi_q",
        "Layers in which distances from q* fall by e.",
        "xi_q = -1 / log |F'(q*)|",
        r"\xi_q = -1 / \log |F'(q^*)|",
        _STABLE,
        _PHASE,
    ),
    Entry(
        "xi_c",
        "Layers in which distances from c* fall by e. Infinite on the edge of chaos.",
        "xi_c = -1 / log f'(c*)",
        r"\xi_c = -1 / \log f'(c^*)",
        _RATES,
        _PHASE,
    ),
    Entry(
        "6 xi_c",
        "The depth up to which fully connected networks train, as Schoenholz et al. (2017) found. The factor depends "
        "on how long one trains.",
        "trainable depth = 6 xi_c",
        r"6\, \xi_c",
        _RATES,
        _PHASE,
        ("trainable depth", "trainable_depth"),
    ),
    Entry(
        "xi_grad",
        "Layers in which the second moment of gradients falls by e; negative where it grows.",
        "xi_grad = -1 / log chi_1",
        r"\xi_\nabla = -1 / \log \chi_1",
        _RATES,
        _PHASE,
        ("gradient depth", "vanishing gradients", "exploding gradients"),
    ),
    Entry(
        "gradient",
        "The second moment of the gradient at a layer over that at the last one.",
        "E|g_l|^2 / E|g_L|^2 = chi(q_l) ... chi(q_(L-1))",
        r"\frac{E|g_l|^2}{E|g_L|^2} = \prod_{k=l}^{L-1} \chi(q_k)",
        _EDGE,
        "eoc propagate gelu --sigma-w 1.4 --sigma-b 0.62 --depth 30",
        ("gradients", "gradient ratio", "gradient_ratio"),
    ),
    Entry(
        "order",
        "Of a fixed point c of the correlation map: how distances from it shrink, in proportion (1) or faster or "
        "slower (the power).",
        "|f(c) - c*| ~ |c - c*|^order",
        r"|f(c) - c^*| \sim |c - c^*|^{\mathrm{order}}",
        "concepts/correlation-map",
        "eoc phase heaviside --sigma-w 1 --sigma-b 0.5",
        ("fixed point", "fixed points"),
    ),
    Entry(
        "D_phi,corr",
        "The domain of Hayou et al. (2019): the pairs (sigma_w, sigma_b) at which all inputs come to one variance, "
        "and every two of them to correlation 1.",
        "",
        "",
        "concepts/correlation-map",
        _PHASE,
        ("domain", "D_phi,var", "K_var", "in_domain"),
    ),
    Entry(
        "alike",
        "Inputs that a floating-point format cannot tell apart from some layer on: 1 - c has come below its spacing.",
        "",
        "",
        "concepts/correlation-map",
        "eoc phase tanh --sigma-w 1 --sigma-b 0.2",
        ("merging depth", "merging_depth", "merge"),
    ),
    Entry(
        "recommended",
        "The place that eoc init gives without a question: the least q on the edge of chaos at which biases are no "
        "trifle, larger variances do not run away over the depth, and the network is not almost linear.",
        "",
        "",
        "recommendation",
        "eoc init gelu",
        ("recommendation", "place"),
    ),
    Entry(
        "trains",
        "Said of a network at whose end 1 - c of two inputs with c = 0.3 is at least 0.1, while gradients keep their "
        "size to a factor of 10. Of the cells that were trained, those with it reached 80 per cent; below it few "
        "did.",
        "1 - c_L >= 0.1",
        r"1 - c_L \ge 0.1",
        "recommendation",
        "eoc init gelu --depth 20",
        ("train",),
    ),
)
