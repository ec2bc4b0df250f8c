"""The result: what becomes of inputs in a deep network."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.shown import Drawn, Shown

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["Trajectory"]

_PLACE = ("activation", "sigma_w", "sigma_b", "layers")  # the network, and what everything is along


@dataclass(frozen=True, eq=False)
class Trajectory(
    Shown, Drawn, report="trajectory.write_trajectory", panel="plot_trajectory", figure="trajectory_figure"
):
    """What becomes of P inputs in a deep network.

    Attributes
    ----------
    activation, sigma_w, sigma_b
        The network.
    layers : (L,)
        Which layers are recorded, increasing; 0 is the first one, whose pre-activations were given.
    q, q_error : (L, P)
        Variances and bounds on their errors.
    one_minus_c, error : (L, P, P)
        1 - c of every pair and bounds on the errors.
    chi : (L, P)
        sigma_w^2 E[phi'^2] at these variances.
    log_gradient : (L, P)
        Natural logarithm of the second moment of the gradient with respect to the pre-activations of a layer, over that
        of the last layer: the sum of log(chi) of the layers between.

    Examples
    --------
    >>> from eoc.propagation import propagate
    >>> run = propagate("tanh", 2.5, 0.3, q=1.0, c=0.9, depth=50)  # chaotic
    >>> run.c[[0, 1, 50], 0, 1].round(6).tolist()
    [0.9, 0.88967, 0.122225]
    """

    activation: str
    sigma_w: float
    sigma_b: float
    layers: FloatArray = field(repr=False)
    q: FloatArray = field(repr=False)
    q_error: FloatArray = field(repr=False)
    one_minus_c: FloatArray = field(repr=False)
    error: FloatArray = field(repr=False)
    chi: FloatArray = field(repr=False)
    log_gradient: FloatArray = field(repr=False)

    @property
    def gradient(self) -> FloatArray:
        """exp(log_gradient), (L, P); infinite where that overflows."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_gradient))

    @property
    def c(self) -> FloatArray:
        """Correlations, (L, P, P)."""
        return 1.0 - self.one_minus_c

    def save(self, path: str | Path) -> None:
        """Write to ``path``: ``.npz`` (everything; read it with :meth:`load`) or ``.csv`` (a row for each layer).

        Raises
        ------
        EocError
            For another ending.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending == ".npz":
            with path.open("wb") as file:  # given a path, np.savez would turn run.NPZ into run.NPZ.npz
                np.savez(file, **{name: getattr(self, name) for name in self.__dataclass_fields__})
        elif ending == ".csv":
            names, columns = self._table()
            np.savetxt(path, columns, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
        else:
            raise EocError(f"a trajectory is saved as .npz or .csv, got {str(path)!r}")

    @classmethod
    def load(cls, path: str | Path) -> Trajectory:
        """What :meth:`save` wrote as ``.npz``.

        Raises
        ------
        EocError
            If the file holds something else, or is damaged.
        OSError
            If it cannot be read.
        """
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                values = {name: stored[name] for name in cls.__dataclass_fields__}
            values["activation"] = str(values["activation"])
            values |= {name: float(values[name]) for name in ("sigma_w", "sigma_b")}
            _check_shapes(values)
        except (ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
            raise EocError(f"{path} holds no trajectory, or is damaged: write it with Trajectory.save") from error
        return cls(**values)

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each layer, as in a ``.csv`` that :meth:`save` writes.

        Examples
        --------
        >>> from eoc.propagation import propagate
        >>> propagate("relu", 2**0.5, q=1.0, c=0.5, depth=3).to_dataframe()[["layer", "one_minus_c_0_1"]].shape
        (4, 2)
        """
        import pandas as pd

        names, columns = self._table()
        return pd.DataFrame(columns, columns=names)

    def to_xarray(self) -> xarray.Dataset:
        """Everything by name, along ``layer``, ``input`` and, of pairs, ``input2``."""
        import xarray

        along = {2: ("layer", "input"), 3: ("layer", "input", "input2")}
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in _PLACE}
        variables = {name: (along[value.ndim], value) for name, value in arrays.items()}
        return xarray.Dataset(variables, {"layer": self.layers}, {name: getattr(self, name) for name in _PLACE[:-1]})

    def _table(self) -> tuple[list[str], FloatArray]:
        inputs = range(self.q.shape[1])
        pairs = list(combinations(inputs, 2))
        columns = {"layer": self.layers}
        columns |= {f"q_{a}": self.q[:, a] for a in inputs}
        columns |= {f"chi_{a}": self.chi[:, a] for a in inputs}
        columns |= {f"log_gradient_{a}": self.log_gradient[:, a] for a in inputs}
        columns |= {f"one_minus_c_{a}_{b}": self.one_minus_c[:, a, b] for a, b in pairs}
        columns |= {f"error_{a}_{b}": self.error[:, a, b] for a, b in pairs}
        return list(columns), np.column_stack(list(columns.values()))


def _check_shapes(values: dict[str, Any]) -> None:
    """Raise ValueError if stored arrays are not the numbers of one trajectory."""
    layers, inputs = values["q"].shape
    shapes = {"layers": (layers,), "one_minus_c": (layers, inputs, inputs), "error": (layers, inputs, inputs)}
    for name, value in values.items():
        wrong = isinstance(value, np.ndarray) and (
            value.dtype.kind != "f" or value.shape != shapes.get(name, (layers, inputs))
        )
        if wrong:
            raise ValueError(name)
