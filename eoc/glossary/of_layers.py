"""Words for what one layer is and does: variances, weights, activations, the maps."""

from eoc.glossary.entry import Entry

__all__ = ["OF_LAYERS"]

_V, _C = "concepts/variance-map", "concepts/correlation-map"
_EDGE, _ARCH = "concepts/edge-of-chaos", "concepts/architectures"

OF_LAYERS = (
    Entry(
        "q",
        "The variance of the pre-activations of a layer, the same for all its units in a wide network. q* is the "
        "variance that layers keep: a fixed point of the variance map.",
        "q_l = E[h_l^2],  h_l = W_l phi(h_(l-1)) + b_l",
        r"q_l = E[h_l^2], \quad h_l = W_l\, \phi(h_{l-1}) + b_l",
        _V,
        "eoc maps tanh --sigma-w 1.5 --sigma-b 0.2",
        ("q*", "variance", "length"),
    ),
    Entry(
        "sigma_w",
        "The size of the weights: the standard deviation of a weight times the square root of the number of inputs "
        "of its layer. What PyTorch calls the gain.",
        "W_ij ~ N(0, sigma_w^2 / fan_in)",
        r"W_{ij} \sim N(0, \sigma_w^2 / n_{in})",
        _EDGE,
        "eoc init gelu",
        ("sigma w", "weight scale"),
    ),
    Entry(
        "sigma_b",
        "The standard deviation of the biases. 0 is a choice as good as another for ReLU; smooth activations need "
        "some.",
        "b_i ~ N(0, sigma_b^2)",
        r"b_i \sim N(0, \sigma_b^2)",
        _EDGE,
        "eoc curve tanh",
        ("bias", "biases"),
    ),
    Entry(
        "gain",
        "What torch.nn.init multiplies 1 / sqrt(fan_in) by: the same number as sigma_w.",
        "std of the weights = gain / sqrt(fan_in)",
        r"\mathrm{std}(W_{ij}) = \mathrm{gain} / \sqrt{n_{in}}",
        "howto/choose-an-activation",
        "eoc gain gelu tanh selu",
        ("gains", "calculate_gain"),
    ),
    Entry(
        "fan_in",
        "How many numbers a unit adds up: the inputs of a dense layer, of a convolution the inputs times the places "
        "of its kernel. 'weights' in what eoc init prints is sigma_w / sqrt(fan_in).",
        "std of the weights = sigma_w / sqrt(fan_in)",
        r"\mathrm{std}(W_{ij}) = \sigma_w / \sqrt{n_{in}}",
        "start/train",
        "eoc init tanh --fan-in 512",
        ("weights", "fan in"),
    ),
    Entry(
        "first",
        "The gain of the first layer: it brings inputs of mean square 1 to the variance q that the others keep.",
        "gain_first = sqrt(q - sigma_b^2)",
        r"\sqrt{q - \sigma_b^2}",
        "start/train",
        "eoc init gelu",
        ("first layer", "first_gain"),
    ),
    Entry(
        "last",
        "The gain of the last layer: outputs begin with variance 1. Its biases are 0.",
        "gain_last = 1 / sqrt(E[phi(sqrt(q) Z)^2])",
        r"1 / \sqrt{E[\phi(\sqrt q Z)^2]}",
        "start/train",
        "eoc init gelu",
        ("last layer", "last_gain", "head"),
    ),
    Entry(
        "variance map",
        "F takes the variance of one layer to that of the next. Z is a standard Gaussian.",
        "F(q) = sigma_b^2 + sigma_w^2 E[phi(sqrt(q) Z)^2]",
        r"F(q) = \sigma_b^2 + \sigma_w^2\, E[\phi(\sqrt q Z)^2]",
        _V,
        "eoc maps silu --q 0.5,1 --sigma-b 0.2 --sigma-w 1.6",
        ("F", "F(q)", "length map"),
    ),
    Entry(
        "F'(q)",
        "The slope of the variance map at a fixed point: what is left, after a layer, of a small distance from it. "
        "Below 1 the variance is stable and comes back; above 1 it leaves, and a network does not stay at that "
        "point.",
        "F'(q) = sigma_w^2 E[phi'^2 + phi phi'']",
        r"F'(q) = \sigma_w^2\, E[\phi'(\sqrt q Z)^2 + \phi(\sqrt q Z)\, \phi''(\sqrt q Z)]",
        "concepts/stability",
        "eoc init gelu --sigma-b 0.2",
        ("F'", "F'(q*)", "slope", "stability"),
    ),
    Entry(
        "c",
        "The correlation of the pre-activations of two inputs in one layer: 1 if they look alike to it, 0 if they "
        "have nothing in common. c* is the one that deep layers come to.",
        "c = E[h(x) h(x')] / sqrt(q q')",
        r"c = \frac{E[h(x)\, h(x')]}{\sqrt{q\, q'}}",
        _C,
        "eoc phase tanh --sigma-w 2.5 --sigma-b 0.3",
        ("correlation", "correlations", "c*", "c_star", "cosine"),
    ),
    Entry(
        "1 - c",
        "How far apart two inputs are to a layer. It is computed as it stands and never subtracted from 1, so that "
        "1e-30 has its digits. About 0.1 at the end is what it takes to train.",
        "1 - c = E[(h(x) - h(x'))^2] / (2 q), for two inputs of variance q",
        r"1 - c = \frac{E[(h(x) - h(x'))^2]}{2 q}",
        _C,
        "eoc propagate tanh --sigma-w 1.3 --sigma-b 0.2 --depth 30",
        ("1-c", "one_minus_c", "one minus c", "distance"),
    ),
    Entry(
        "angle",
        "The angle between the pre-activations of two inputs, of the correlation that deep layers come to.",
        "angle = arccos(c*)",
        r"\arccos c^*",
        _C,
        "eoc phase tanh --sigma-w 2.5 --sigma-b 0.3",
    ),
    Entry(
        "correlation map",
        "f takes the correlation of two inputs in one layer to that in the next, where both have the variance q*. "
        "f(1) = 1.",
        "f(c) = (sigma_b^2 + sigma_w^2 E[phi(u) phi(v)]) / q*,  u and v Gaussian, of variance q* and correlation c",
        r"f(c) = \frac{\sigma_b^2 + \sigma_w^2\, E[\phi(u)\, \phi(v)]}{q^*}",
        _C,
        "eoc maps tanh --sigma-w 2.5 --sigma-b 0.3 --plot maps.pdf",
        ("f", "f(c)", "c map"),
    ),
    Entry(
        "chi_1",
        "What a layer multiplies the second moment of gradients by on the way back, and small differences between "
        "inputs on the way forward: the slope of the correlation map at c = 1. On the edge of chaos it is 1.",
        "chi_1 = sigma_w^2 E[phi'(sqrt(q) Z)^2] = f'(1)",
        r"\chi_1 = \sigma_w^2\, E[\phi'(\sqrt q Z)^2] = f'(1)",
        _EDGE,
        "eoc phase tanh --sigma-w 1.3 --sigma-b 0.3",
        ("chi", "chi1", "chi 1"),
    ),
    Entry(
        "chi_back",
        "What a layer multiplies squared gradients by where they see the slope of another function than the "
        "activation, as in binary networks.",
        "chi_back = sigma_w^2 E[g'(sqrt(q) Z)^2],  g as named by --backward",
        r"\sigma_w^2\, E[g'(\sqrt q Z)^2]",
        _EDGE,
        "eoc phase sign --sigma-w 1 --sigma-b 0.5 --backward hardtanh",
        ("chi_backward", "surrogate", "straight-through", "backward"),
    ),
    Entry(
        "activity",
        "The share of units at which phi is positive: of a step or a sign, those that are on.",
        "P(phi(sqrt(q) Z) > 0)",
        r"P(\phi(\sqrt q Z) > 0)",
        _C,
        "eoc phase heaviside --sigma-w 1 --sigma-b 0.5",
    ),
    Entry(
        "moments",
        "Expectations of an activation and its derivatives at a Gaussian of variance q, from which both maps follow.",
        "M = E[phi], V = E[phi^2], D = E[phi'^2], S = E[phi''^2], P = E[phi phi'']",
        r"M = E[\phi],\ V = E[\phi^2],\ D = E[\phi'^2],\ S = E[\phi''^2],\ P = E[\phi\, \phi'']",
        "numerics",
        "eoc maps gelu --q 1",
        ("M", "V", "D", "S", "P", "moment"),
    ),
    Entry(
        "class",
        "How smooth an activation is, which decides how fast inputs come to look alike: jump, kink, C1 (a continuous "
        "slope that bends) or smooth.",
        "",
        "",
        "concepts/rates",
        "eoc describe elu",
        ("smoothness", "smooth", "kink", "C1", "jump"),
    ),
    Entry(
        "permissible",
        "An activation whose Gaussian expectations exist: bounded on finite intervals, and growing slower than "
        "exp(x^2).",
        "",
        "",
        "numerics",
        "eoc describe exp",
    ),
    Entry(
        "homogeneous",
        "An activation with phi(a x) = a phi(x) for a > 0, such as ReLU: its edge of chaos is a single point, and "
        "every variance is kept there.",
        "phi(a x) = a phi(x), a > 0",
        r"\phi(a x) = a\, \phi(x), \quad a > 0",
        _EDGE,
        "eoc init relu",
        ("positively homogeneous",),
    ),
    Entry(
        "block",
        "What a network of layers repeats: a sequence such as residual(layernorm, dense, relu, dense). Depth counts "
        "blocks.",
        "",
        "",
        _ARCH,
        "eoc networks",
        ("blocks", "network", "preln", "postln", "architecture"),
    ),
    Entry(
        "dense",
        "A layer of independent Gaussian weights and biases. One without numbers is free: --sigma-w and --sigma-b "
        "are its.",
        "h = W x + b",
        "h = W x + b",
        _ARCH,
        "eoc networks",
        ("free dense", "linear"),
    ),
    Entry(
        "residual",
        "A branch is added to what came in, so that signals and gradients have a way past the layers of the branch.",
        "x' = skip x + scale branch(x)",
        r"x' = a\, x + b\, \mathrm{branch}(x)",
        _ARCH,
        "eoc propagate 'residual(relu, dense(sqrt(2)), scale=1/sqrt(L))' --q 1 --depth 50",
        ("skip", "skip connection", "branch"),
    ),
    Entry(
        "regime",
        "What the variances of a block do, whatever sigma_w is: settle at a value, are fixed by a norm, are scaled "
        "by a constant, or grow without end.",
        "",
        "",
        _ARCH,
        "eoc init 'residual(tanh, dense, skip=0.8)' --sigma-b 0.1",
    ),
)
