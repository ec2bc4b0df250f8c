"""Phase diagrams: the phase and its scales on a grid of sigma_b and sigma_w, as a labelled data set."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.activations.base import Activation
from eoc.errors import AccuracyWarning, EocError, UnsupportedError
from eoc.floats import FloatArray
from eoc.layers import Network, checked_sigma, understood
from eoc.machine import version
from eoc.phase.blocks import BlockScan
from eoc.phase.grid import FIELDS, PHASES, Fields, Places, at_places
from eoc.phase.limit_variances import Scan
from eoc.validation import real_numbers

if TYPE_CHECKING:
    import xarray

__all__ = ["MOST_CELLS", "SYMBOLS", "phase_diagram"]

Progress = Callable[[float, float], None]

MOST_CELLS = 10_000_000
_COLUMNS, _CELLS = 2048, 16384  # of a block: what is worked on at a time
_ABOUT = {
    "q": ("variance that layers keep, the lowest of them; inf where variances diverge", "q^*"),
    "slope": ("F'(q*), the factor by which distances from q* shrink in a layer", "F'(q^*)"),
    "chi_1": (
        "slope of the correlation map at c = 1, by which the second moment of gradients grows in a layer",
        "\\chi_1",
    ),
    "c_star": ("correlation at infinite depth; nan where every correlation is kept or variances diverge", "c^*"),
    "xi_q": ("layers in which distances from q* fall by e", "\\xi_q"),
    "xi_c": ("layers in which distances from c* fall by e", "\\xi_c"),
    "xi_grad": ("layers in which the second moment of gradients falls by e; negative where it grows", "\\xi_\\nabla"),
    "one_minus_c_star": ("1 - c*, with digits of its own where c* is close to 1", "1 - c^*"),
}
SYMBOLS = {name: symbol for name, (_, symbol) in _ABOUT.items()}  #: of the fields, for Matplotlib
_ACCURACY = (
    "Relative errors are below 1e-10, but where a field is ill-conditioned, as depth scales are next to the edge of "
    "chaos; NAME_error bounds the absolute error of NAME everywhere."
)


def phase_diagram(
    activation: object, sigma_w: ArrayLike, sigma_b: ArrayLike, *, progress: Progress | None = None
) -> xarray.Dataset:
    """The phase, its fixed points and its depth scales at every pair of sigma_b and sigma_w.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function. Or an
        :func:`eoc.network` or its text, with a ``dense`` without numbers.
    sigma_w
        Standard deviations of the weights (times sqrt(fan-in)), > 0 and increasing, shape (W,).
    sigma_b
        Standard deviations of the biases, >= 0 and increasing, shape (B,).
    progress
        Called with (cells done, cells in all) now and then.

    Returns
    -------
    xarray.Dataset
        Coordinates ``sigma_b`` (B,) and ``sigma_w`` (W,), and on them ``q``, ``slope``, ``chi_1``, ``c_star``,
        ``xi_q``, ``xi_c``, ``xi_grad``, each with its ``_error``, and ``one_minus_c_star``, named as the attributes of
        :class:`eoc.Phase`; ``ends``, the number of variances that inputs may end at, infinity included; and ``phase``,
        a number whose meaning its attributes ``flag_values`` and ``flag_meanings`` tell: 0 ordered, 1 chaotic,
        2 critical, 3 divergent, 4 several. In the last case the numbers are those of the lowest of the variances, where
        small inputs end. ``to_zarr`` and ``to_netcdf`` save it.

    Raises
    ------
    EocError
        For a range that is empty or does not increase, values out of range, or more than 10^7 cells.
    AccuracyError
        Where E[phi^2] or E[phi'^2] cannot be computed.

    Warns
    -----
    AccuracyWarning
        Where c* and xi_c, or where variances end, cannot be computed: they are NaN there.

    Notes
    -----
    Accuracy: 1e-10 relative, usually 1e-13, except where a field is ill-conditioned in sigma_w and sigma_b themselves:
    the depth scales next to the edge of chaos (about 1e-16 xi, relatively), q* next to where the variance map touches
    the diagonal, c* next to both, and c* and xi_c where chi_1 is in the thousands. There, as everywhere, the ``_error``
    of each field bounds what is lost.

    10^4 cells take a tenth of a second once the expectations of phi are tabulated, which takes some tenths of a second
    at first use, and 10^6 cells ten seconds; of networks of layers two to five times as much. Some hundredths of a
    second take single cells of networks with jumps, or with an activation and no norm behind the free ``dense``.

    Examples
    --------
    >>> found = phase_diagram("tanh", sigma_w=[1.3, 2.5], sigma_b=[0.3])  # Poole et al. (2016)
    >>> found.c_star.values.round(8).tolist(), found.phase.values.tolist()
    ([[1.0, 0.12210375]], [[0, 1]])
    """
    network = understood(activation)
    network.check_alone()
    if network.phi is None:
        network.check_free(1.0)
    if network.has_surrogates:
        raise UnsupportedError(
            f"gradients see other slopes than those of {network.name!r}, which diagrams have no field for: leave the "
            "surrogates out, or ask eoc.phases at each place"
        )
    sigma_w, sigma_b = _checked("sigma_w", sigma_w), _checked("sigma_b", sigma_b)
    if sigma_w.size * sigma_b.size > MOST_CELLS:
        raise EocError(
            f"{sigma_b.size} x {sigma_w.size} = {sigma_w.size * sigma_b.size:.3g} cells are more than a diagram may "
            f"have, {MOST_CELLS:.0e}: take fewer, or several diagrams"
        )
    shape = sigma_b.size, sigma_w.size
    fields = {name: np.empty(shape) for name in FIELDS}
    side, ends = np.empty(shape, np.int8), np.empty(shape, np.int32)
    problems: list[str] = []
    done = 0
    for rows, columns, found in _parts(network, sigma_w, sigma_b):
        shape_here = sigma_b[rows].size, sigma_w[columns].size
        for name, value in found.fields.items():
            fields[name][rows, columns] = value.reshape(shape_here)
        side[rows, columns], ends[rows, columns] = found.side.reshape(shape_here), found.ends.reshape(shape_here)
        problems += found.problems
        done += found.side.size
        if progress is not None:
            progress(done, sigma_w.size * sigma_b.size)
    if problems:
        warnings.warn(
            f"c_star and xi_c, or all fields, are missing in some cells: {problems[0]}", AccuracyWarning, stacklevel=2
        )
    return _dataset(network.phi or network, sigma_w, sigma_b, fields, ends, _phases(fields["q"], side, ends))


def _checked(name: str, values: ArrayLike) -> FloatArray:
    """One axis of the grid, or an error that names what is wrong with it."""
    out = np.atleast_1d(real_numbers(name, values))
    if out.ndim != 1 or out.size == 0:
        raise EocError(f"{name} must be a list of at least one number, got an array of shape {out.shape}")
    for value in out[~(np.isfinite(out) & (out >= 0.0))][:1]:
        raise EocError(f"{name} must be finite and >= 0 everywhere, got {float(value)!r}")
    checked_sigma(name, float(out.max()))
    if name == "sigma_w" and (out == 0.0).any():
        raise EocError("sigma_w must be > 0 everywhere, got 0.0: without weights nothing of the input is left")
    falls = np.flatnonzero(np.diff(out) <= 0.0)
    if falls.size:
        i = int(falls[0])
        raise EocError(f"{name} must increase, but {float(out[i])!r} is followed by {float(out[i + 1])!r}")
    return out


def _parts(network: Network, sigma_w: FloatArray, sigma_b: FloatArray) -> Iterator[tuple[slice, slice, Places]]:
    """What is known of parts of the grid, many cells at once.

    Places without bias have a scan of their own, which begins at far smaller variances.
    """
    first = int(sigma_b[0] == 0.0)
    width = min(sigma_w.size, _COLUMNS)
    height = max(1, _CELLS // width)
    for low, high in ((0, first), (first, sigma_b.size)):
        if low == high:
            continue
        here = sigma_w, sigma_b[low:high]
        scan = BlockScan(network, *here) if network.phi is None else Scan(network.phi, *here)
        for row in range(low, high, height):
            for column in range(0, sigma_w.size, width):
                rows, columns = slice(row, min(row + height, high)), slice(column, min(column + width, sigma_w.size))
                w, b = np.meshgrid(sigma_w[columns], sigma_b[rows])
                ends = scan.ends(sigma_w[columns], sigma_b[rows])
                yield rows, columns, at_places(network, w.ravel(), b.ravel(), ends)


def _phases(q: FloatArray, side: NDArray[np.int8], ends: NDArray[np.int32]) -> NDArray[np.int8]:
    """The index into PHASES of every cell."""
    names = np.select(
        [ends > 1, np.isinf(q), side == 0, side < 0],
        [PHASES.index(name) for name in ("several", "divergent", "critical", "ordered")],
        PHASES.index("chaotic"),
    )
    return names.astype(np.int8)


def _dataset(
    phi: Activation | Network,
    sigma_w: FloatArray,
    sigma_b: FloatArray,
    fields: Fields,
    ends: NDArray[np.int32],
    phase: NDArray[np.int8],
) -> xarray.Dataset:
    import xarray

    dims = ("sigma_b", "sigma_w")
    variables: dict[str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, object]]] = {}
    for name, values in fields.items():
        of = name.removesuffix("_error")
        about = _ABOUT[of][0]
        text = about if of == name else f"bound on the absolute error of {of}"
        units = "layers" if of.startswith("xi_") else "1"
        variables[name] = (dims, values, {"long_name": text, "symbol": SYMBOLS[of], "units": units})
    variables["ends"] = (dims, ends, {"long_name": "number of variances inputs may end at, infinity included"})
    flags = {"flag_values": list(range(len(PHASES))), "flag_meanings": " ".join(PHASES)}
    variables["phase"] = (dims, phase, {"long_name": "phase", **flags})
    coordinates = {
        "sigma_b": ("sigma_b", sigma_b, {"long_name": "standard deviation of the biases", "symbol": "\\sigma_b"}),
        "sigma_w": (
            "sigma_w",
            sigma_w,
            {"long_name": "standard deviation of the weights times sqrt(fan_in)", "symbol": "\\sigma_w"},
        ),
    }
    about_all = {
        "title": f"phase diagram of {phi.name}",
        **phi.to_dict(),
        "accuracy": _ACCURACY,
        "source": f"eoc {version('eoc')}",
    }
    return xarray.Dataset(variables, coordinates, about_all)
