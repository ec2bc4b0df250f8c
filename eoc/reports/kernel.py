"""What a kernel looks like as text: what its spectra say, and the covariances of the first inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eoc.reports.writing import number, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.floats import FloatArray
    from eoc.kernels import Kernel

__all__ = ["write_kernel"]

_SHOWN = 6  # inputs


def write_kernel(out: Console, kernel: Kernel) -> None:
    """Condition numbers where both sides are the same inputs, and the first rows and columns of both matrices."""
    rows, columns = kernel.nngp.shape
    inputs = f"{rows} inputs" if kernel.symmetric else f"{rows} by {columns} inputs"
    print_headline(out, f"NNGP and NTK of {inputs} through {kernel.depth} blocks of {kernel.network}.")
    if kernel.sigma_w is not None:
        out.print(f"sigma_w = {kernel.sigma_w:.12g}, sigma_b = {kernel.sigma_b:.12g}")
    for which in ("nngp", "ntk") if kernel.symmetric else ():
        spectrum = kernel.spectrum(which)
        kappa = number(spectrum.condition_number, spectrum.condition_number_error, 6)
        text = f"condition number {kappa}, effective dimension {spectrum.effective_dimension:.4g}"
        print_paragraph(out, f"{which.upper():<5} ", text, 5)
    for which in ("nngp", "ntk"):
        _print_first(out, which.upper(), getattr(kernel, which), getattr(kernel, f"{which}_error"))
    if max(rows, columns) > _SHOWN:
        out.print(f"of {rows} rows and {columns} columns the first {_SHOWN} are shown")


def _print_first(out: Console, name: str, values: FloatArray, errors: FloatArray) -> None:
    columns = range(min(values.shape[1], _SHOWN))
    pairs = [list(zip(row.tolist(), off.tolist(), strict=True)) for row, off in zip(values, errors, strict=True)]

    def cells(digits: int) -> list[list[str]]:
        return [[str(i), *(number(*row[j], digits) for j in columns)] for i, row in enumerate(pairs[:_SHOWN])]

    print_table(out, (name, *map(str, columns)), cells)
