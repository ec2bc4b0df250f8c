"""Values for options and arguments: some that are right, some that are wrong, and those that are easily confused."""

__all__ = [
    "BY_NAME",
    "FORMULAS",
    "LISTS",
    "NUMBERS",
    "OUTPUTS",
    "OWN",
    "PARAMETERS",
    "STRANGE",
    "SWEEP",
    "TOKENS",
    "WHOLE",
]


def _words(text: str, *others: str) -> tuple[str, ...]:
    """The words of a text, in which u+2212 and the like stand for characters that look like others; and more."""
    words = (word.replace("u+", "\\u").encode().decode("unicode_escape") for word in text.split())
    return (*words, *others)


#: A file with functions.
OWN = """
import math

def phi(x):
    return math.tanh(x) + 0.1 * x

def step(x):
    return 1.0 if x > 0.3 else 0.0

def raising(x):
    raise RuntimeError("no")

def nothing(x):
    return None

def word(x):
    return "tanh"

def leaving(x):
    raise SystemExit(3)

def stopping(x):
    raise GeneratorExit
"""
SWEEP = "schema: 1\ntask: edge_of_chaos\naxes: {activation: [tanh, relu], sigma_b: [0.1, 0.2]}\n"

#: Formulas and functions; a third of them wrong.
FORMULAS = _words("""
    x*tanh(log(1+exp(x))) tanh(x) max(x,0.1*x) sin(3*x) exp(-x**2) x/(1+abs(x)) x 1 0*x -x 1/x exp(x**2/2) log(x) x**3
    tanh(x tahn(x) x+y x^2 sin(30*x) sqrt(abs(x)) 9**9**9**9 where(x>0,x,0.1*x) erf(x)+0.1 2*3 x* u+2212x
    __import__('os').system('true') own.py:phi own.py:step own.py:raising own.py:nothing own.py:word own.py:leaving
    own.py:stopping own.py:absent own.py: math:tanh numpy:tanh missing:phi
""")
PARAMETERS = _words("elu(alpha={}) leaky_relu({}) swish(beta={}) celu({}) hardtanh({}) elu(a={}) leaky_relu({},1)")
NUMBERS = _words("""
    0 -0 0.0 1 2 0.1 0.2 0.5 1.2 1.30414584 1.30414584006 1.5 3 10 100 1e-3 1e-9 1e-300 5e-324 1e3 1e6 1e12 1e100 1e308
    1e400 -1 -1e-9 nan NaN inf -inf infinity +1 .5 5. 1_000 1,5 1e 0x10 1/2 true one 0.999999999 1.0000000001
    u+22121 u+0661 u+ff11 u+00bd
""")
LISTS = _words("0.1,0.2 1,4 64,256 10,20,30 1, , 0.1,,0.2 0.1;0.2 0.2,0.1 0,0 1,nan 1,x 16,32", ",".join(["0.1"] * 40))
WHOLE = _words(
    "0 1 2 3 5 10 16 64 100 1000 100000 1000000000 9007199254740993 18446744073709551616 -1 1.0 1e3 nan 0b1 u+0662",
    "1" * 60,
    "",
)
#: What is no value of anything.
STRANGE = _words(
    "- -- u+d800 u+dcff au+0301 u+212f ' [bold] %s {0} $HOME * ~ ../.. u+200b # = , : a:b own.py: :phi \"",
    *("", " ", "\n", "\t", "x\x00y", "x" * 5000),
)
OUTPUTS = _words(
    """
    out.png out.svg out.pdf out.csv out.npz out.nc out.parquet out out.xyz .png no/such/out.png folder -.png
    folder/out.csv folder.png loop.png /dev/full /dev/null u+dcff.png null.png null.csv u+00e4.svg out.PNG out.npy
    /proc/out.png /out/of/reach.csv . ..
    """,
    *("", "a\nb.png", "x" * 300 + ".png"),
)
_STORES = _words(
    """
    done.zarr done.zarr/ broken.zarr folder loop.zarr sweep.yaml missing.zarr /dev/null / . own.py new.zarr /proc/self
    u+dcff.zarr done.zarr/status
    """,
    *("", "a\nb.zarr"),
)
_FILES = _words(
    "sweep.yaml bad.yaml missing.yaml folder done.zarr /dev/null own.py loop.png inputs.npy u+dcff.yaml",
    *("", "a\nb.yaml"),
)
_NAMES = _words("q sigma_w sigma_b activation status error stable seconds chi_1 xi_c foo")
#: Values of parameters by their names.
BY_NAME = {
    "weights": _words(
        """
        gaussian orthogonal rademacher uniform laplace student_t(5) student_t(0.5) sparse(0.1) sparse(0) cauchy
        student_t(nan)
        """,
        "",
    ),
    "framework": _words("torch jax keras tensorflow", ""),
    "networks": _words("1 2 3 10 50 100 0 -1 1e3 1000000000000"),
    "depth": _words("1 2 3 5 10 100 0 -1 1e6 0.5 nan inf 1e400 60"),
    "width": _words("1 2 10 16,32 50 0 -3 1.5 1e3 nan 1000000000 1,1", ""),
    "size": _words("2 3 5 1 0 2x3 10000000"),
    "points": _words("2 10 50 1 0 -1 10000000000"),
    "set": _words(
        """
        axes.sigma_b=0.3 axes.activation=gelu task=phase axes.sigma_b= axes.=1 = zip=[[a,b]] schema=2 x
        axes.sigma_b=nan axes.sigma_b=u+d800 axes.sigma_b=[ axes.depth=1e400 axes.sigma_b=[0.1,0.5]
        """,
        "axes.sigma_b={grid: linspace, start: 0, stop: 1, num: 3}",
    ),
    "at": _words("activation=tanh sigma_b=0.1 sigma_b=0.15 sigma_b=nan activation= = layer=3 x q=1"),
    "columns": (*_NAMES, "q,sigma_w", ",", ""),
    "x": _NAMES,
    "y": _NAMES,
    "line": _NAMES,
    "color": _NAMES,
    "log": _words("x y xy c z", ""),
    "name": _words("rates montecarlo montecarlo/length_process foo edge_of_chaos", ""),
    "model": _words("own.py:phi own.py:model torch.nn:GELU missing.py:build own.py", ""),
    "input_shape": _words("3 3,4 0 -1 x 1e3 u+0663", "9" * 30, ""),
    "batch_size": _words("1 4 0 -1 x"),
    "interval": _words("1 0 -1 nan inf 1e-9"),
    "store": _STORES,
    "file": _FILES,
    "batch": _FILES,
}
_ACTIVATIONS = _words("tanh relu gelu silu selu erf softplus elu(alpha=0.5) sin leaky_relu(0.1) hardtanh x*tanh(x)")
_POSITIVE = _words("0.1 0.5 0.9 1 1.2 1.5 2 3 1e-3 10 0")
#: Values that are probably right.
RIGHT = {
    "activation": _ACTIVATIONS,
    "activations": _ACTIVATIONS,
    "sigma_w": _POSITIVE,
    "sigma_b": _POSITIVE,
    "q": _POSITIVE,
    "c0": _words("0.1 0.5 0.9 0 -0.5"),
    "one_minus_c0": _words("1e-3 0.5 1e-9 1"),
    "depth": _words("1 2 3 10 30 100"),
    "width": _words("1 2 10 50 100"),
    "networks": _words("2 3 10 50"),
    "seed": _words("0 1 7"),
    "grid": _words("3x3 2x5 1x1"),
    "points": _words("10 50"),
    "fan_in": _words("1 100 784"),
    "weights": _words("gaussian orthogonal rademacher uniform laplace student_t(5) sparse(0.1)"),
    "plot": _words("out.png out.svg"),
    "save": _words("out.csv out.npz"),
    "store": ("done.zarr",),
    "file": ("sweep.yaml",),
    "eps": _words("0.1 0.1,0.2"),
}
#: Of configurations.
TOKENS = _words(
    """
    axes: sigma_b sigma_w activation depth eoc tanh gelu relu 0.1 1e-3 1e400 -0.0 nan .nan .inf -.inf 0 -1 1 null ~ true
    [ ] { } , : &a *a !!str !x | > # ' " = --- ... yes 1_000 0x10 1:30 2001-01-01 x*tanh(x own.py:phi u+2028 u+feff
    u+22121 u+0661
    """,
    *('"\\ud800"', '"\\udfff"', "\\", "\t", "\n", " ", "  ", "\r", "\x00", ": ", "- ", "<<: *a", "? a", "%YAML 1.1"),
    *("schema: 1", "task: rates", "task: phase", "task: montecarlo", "experiment: length_process", "zip: [[a, b]]"),
    *("name: x", "description: y", "[0.1, 0.2]", "[[1]]", "9" * 50, "num: 1000000000"),
    *(f"{{grid: {kind}, start: 0, stop: 1, num: 3}}" for kind in ("linspace", "logspace", "geomspace")),
    "{grid: range, start: 0, stop: 10, step: 3}",
)
