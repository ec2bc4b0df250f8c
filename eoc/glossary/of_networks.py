"""Words for networks whose inputs have parts: positions, tokens, batches, steps; and for weights of other laws."""

from eoc.glossary.entry import Entry

__all__ = ["OF_NETWORKS"]

_TOKENS, _CELL = "attention", "recurrent"
_POST = "eoc phase transformer_postnorm"

OF_NETWORKS = (
    Entry(
        "tokens",
        "The parts of one input that attention mixes, all alike: any two have one second moment and one correlation.",
        "q, c of any two tokens",
        r"E[x_i x_j] = q\, (c + (1 - c)\, \delta_{ij})",
        _TOKENS,
        _POST,
        ("token", "attention"),
    ),
    Entry(
        "lambda_a",
        "The angle exponent of a block of a transformer: how distances of close tokens grow (above 0) or shrink "
        "(below 0).",
        "1 - c_(l+1) = exp(lambda_a) (1 - c_l) for close tokens",
        r"1 - c_{l+1} = e^{\lambda_a} (1 - c_l)",
        _TOKENS,
        _POST,
        ("angle exponent",),
    ),
    Entry(
        "ratio",
        "Of tokens: by what a block multiplies 1 - c of close ones, exp(lambda_a). In other tables a value over its "
        "law.",
        "exp(lambda_a)",
        r"e^{\lambda_a}",
        _TOKENS,
        _POST,
    ),
    Entry(
        "growth",
        "By what a block of a transformer multiplies squared gradients where its tokens have come to, in the long run.",
        "E|g_(l-1)|^2 / E|g_l|^2",
        r"E|g_{l-1}|^2 / E|g_l|^2",
        _TOKENS,
        _POST,
    ),
    Entry(
        "amount",
        "By what a block that normalises before its branches raises the second moment q: it grows in proportion to "
        "the depth.",
        "q_(l+1) = q_l + amount",
        r"q_{l+1} = q_l + A",
        _TOKENS,
        "eoc phase transformer",
    ),
    Entry(
        "power",
        "Where q grows with the depth: like which power of q 1 - c of close tokens goes; under 'gradients' the same "
        "of squared gradients.",
        "1 - c ~ q^power",
        r"1 - c \sim q^{p}",
        _TOKENS,
        "eoc phase transformer",
    ),
    Entry(
        "batch",
        "The inputs that a batch normalisation sees at once. All pairs of them end at one correlation, and gradients "
        "explode with depth whatever the weights are.",
        "",
        "",
        "batch-normalisation",
        "eoc rates 'batchnorm(8), relu, dense(1)'",
        ("batch normalisation", "batchnorm"),
    ),
    Entry(
        "positions",
        "The places of an input, such as pixels, which a convolution mixes; each pair of them has its own second "
        "moment.",
        "",
        "",
        "convolutions",
        "eoc phase 'conv(3), tanh' --sigma-w 1.2 --sigma-b 0.1",
        ("position", "convolution", "convolutions", "conv", "padding"),
    ),
    Entry(
        "memory",
        "How many steps a recurrent cell remembers: squared gradients fall by e in xi_grad steps back. What is "
        "printed as chi is their factor a step.",
        "xi_grad = -1 / log chi",
        r"\xi_\nabla = -1 / \log \chi",
        _CELL,
        "eoc recurrent lstm",
        ("recurrent", "cell", "steps", "LSTM", "GRU"),
    ),
    Entry(
        "kurtosis",
        "The fourth moment over the squared second: 3 for a Gaussian. Of weights it does not matter at infinite "
        "width, and in terms of order 1/N at width N; the excess is that less 3.",
        "E[w^4] / E[w^2]^2",
        r"E[w^4] / E[w^2]^2",
        "weights",
        "eoc montecarlo gaussianity tanh",
        ("excess kurtosis", "excess"),
    ),
    Entry(
        "kinks",
        "Where a unit of a piecewise linear network bends: they cut the inputs into linear regions, on each of which "
        "the network is one affine map.",
        "",
        "",
        "regions",
        "eoc regions relu",
        ("linear regions", "regions"),
    ),
)
