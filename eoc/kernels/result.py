"""What a kernel is: matrices with bounds, their spectra, saved and loaded."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.kernels.spectra import Spectrum, spectrum_of
from eoc.kernels.tangents import Parameterization
from eoc.shown import Drawn, Shown

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["Kernel", "Which"]

Which = Literal["nngp", "ntk"]


@dataclass(frozen=True, eq=False)
class Kernel(Shown, Drawn, report="kernel.write_kernel", panel="plot_kernel", figure="kernel_picture"):
    """The kernels of a wide network on inputs, as :func:`eoc.kernel` computes them.

    Attributes
    ----------
    network
        What was asked for.
    sigma_w, sigma_b
        Of the first layer and of what is free; sigma_w is None where nothing is.
    depth
        Blocks.
    parameterization, width
        What of the network is trained, see :func:`eoc.kernel`.
    symmetric
        Whether both sides are the same inputs.
    nngp, nngp_error
        The covariance of outputs over random weights (n, m), and bounds on its errors.
    ntk, ntk_error
        The neural tangent kernel; the same.
    one_minus_c, one_minus_c_error
        1 minus the correlation of outputs, with all its digits where they are nearly alike.
    """

    network: str
    sigma_w: float | None
    sigma_b: float
    depth: int
    parameterization: Parameterization
    width: float | None
    symmetric: bool
    nngp: FloatArray = field(repr=False)
    nngp_error: FloatArray = field(repr=False)
    ntk: FloatArray = field(repr=False)
    ntk_error: FloatArray = field(repr=False)
    one_minus_c: FloatArray = field(repr=False)
    one_minus_c_error: FloatArray = field(repr=False)

    def spectrum(self, which: Which = "ntk") -> Spectrum:
        """Eigenvalues of the NNGP or the NTK matrix of one set of inputs.

        Examples
        --------
        >>> import eoc
        >>> found = eoc.kernel("relu", np.eye(3), depth=2, sigma_w=2**0.5)
        >>> round(found.spectrum("nngp").condition_number, 6)
        3.925705
        """
        matrix, error = self._of(which)
        if not self.symmetric:
            raise EocError("a spectrum is that of one set of inputs with itself: leave x2 out")
        return spectrum_of(matrix, error)

    def condition_number(self, which: Which = "ntk") -> float:
        """The largest eigenvalue over the smallest: how many steps of gradient descent the slowest direction takes."""
        return self.spectrum(which).condition_number

    def _of(self, which: Which) -> tuple[FloatArray, FloatArray]:
        if which not in ("nngp", "ntk"):
            raise EocError(f"which must be 'nngp' or 'ntk', got {which!r}")
        return getattr(self, which), getattr(self, f"{which}_error")

    def to_xarray(self) -> xarray.Dataset:
        """All matrices by name, with what they are of as attributes."""
        import xarray

        matrices = {name: (("input", "input2"), value) for name, value in self._matrices().items()}
        return xarray.Dataset(matrices, attrs={k: v for k, v in self._rest().items() if v is not None})

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each pair of inputs."""
        return self.to_xarray().to_dataframe().reset_index()

    def save(self, path: str | Path) -> None:
        """Write everything into one ``.npz`` file; :meth:`load` reads it."""
        numbers = {name: np.asarray(np.nan if value is None else value) for name, value in self._rest().items()}
        with Path(path).open("wb") as file:
            np.savez(file, allow_pickle=False, **{**self._matrices(), **numbers})

    @classmethod
    def load(cls, path: str | Path) -> Kernel:
        """Read what :meth:`save` wrote.

        Raises
        ------
        EocError
            If the file does not hold a kernel.
        """
        try:
            with np.load(Path(path), allow_pickle=False) as file:
                values: dict[str, Any] = {one.name: file[one.name] for one in fields(cls)}
        except (KeyError, ValueError, OSError) as error:
            raise EocError(f"{path} holds no kernel that eoc has saved: {error}") from None
        plain = {name: value.item() for name, value in values.items() if value.ndim == 0}
        plain |= {name: None for name in ("sigma_w", "width") if np.isnan(plain[name])}
        return cls(**{**values, **plain})

    def _matrices(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    def _rest(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not isinstance(value, np.ndarray)}
