"""What the commands share: finding the activation, printing numbers, JSON."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.command_wrapper import results
from eoc.errors import EocError
from eoc.files import replacing, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from matplotlib.figure import Figure

    from eoc.activations import Activation
    from eoc.criticality import EocCurve
    from eoc.layers import Network

__all__ = [
    "AsJson",
    "Backward",
    "Depth",
    "Name",
    "Names",
    "NetworkName",
    "NetworkNames",
    "Plot",
    "check_file",
    "check_picture",
    "checked_by",
    "edge_up_to",
    "find_activation",
    "find_block",
    "numbers",
    "print_json",
    "save_picture",
]


def _complete(incomplete: str) -> list[str]:
    from eoc.activations.named import names

    return [name for name in names() if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(
        metavar="ACTIVATION",
        help='A name ("gelu", "elu(alpha=0.5)"), a formula in x ("x*tanh(log(1+exp(x)))"), a table of x and phi '
        '("learned.csv") or a Python function ("my_file.py:phi", "package.module:phi"). Put -- before one that begins '
        "with a minus.",
        autocompletion=_complete,
        show_default=False,
    ),
]
NetworkName = Annotated[
    str,
    typer.Argument(
        metavar="ACTIVATION|NETWORK",
        help="An activation, as of the other commands, or a network of layers ('eoc networks').",
        autocompletion=_complete,
        show_default=False,
    ),
]
Names = Annotated[
    list[str],
    typer.Argument(
        metavar="ACTIVATION...",
        help="One or more names, formulas or Python functions, as for eoc init.",
        autocompletion=_complete,
        show_default=False,
    ),
]
NetworkNames = Annotated[
    list[str],
    typer.Argument(
        metavar="ACTIVATION|NETWORK...",
        help="One or more activations, as of the other commands, or networks of layers ('eoc networks').",
        autocompletion=_complete,
        show_default=False,
    ),
]
Depth = Annotated[float | None, typer.Option(help="Layers of the network, from 1 on. (default 30)", show_default=False)]
Backward = Annotated[
    str | None,
    typer.Option(
        help="Function whose slope gradients see in place of that of ACTIVATION: hardtanh, identity, bireal or any.",
        metavar="ACTIVATION",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON (inf and nan as strings) instead of text.")]


def find_activation(source: str) -> Activation:
    """The activation that the ACTIVATION argument means; a ``file.py:function`` is imported, which runs that file."""
    from eoc.activations.imported import from_source
    from eoc.layers import one_activation

    return one_activation(source, from_source)


def find_block(source: str) -> Activation | Network:
    """What an argument means that takes networks, too, such as a module with parameters for each channel."""
    from eoc.activations.imported import imported, own_function
    from eoc.layers import is_network, network, understood

    own = own_function(source)
    if own is not None:
        found = understood(imported(*own))
        return found.phi or found
    return network(source) if is_network(source) else find_activation(source)


def numbers(option: str, text: str) -> list[float]:
    """The numbers, separated by commas, that an option was given."""
    out = []
    for part in text.split(","):
        try:
            out.append(float(part))
        except ValueError:
            raise EocError(f"{option} takes numbers separated by commas, got {part.strip()!r} in {text!r}") from None
    return out


def check_file(path: Path, what: str, endings: Collection[str]) -> None:
    """Refuse a file that cannot be written, or whose ending is unknown, before anything is computed or printed."""
    if path.suffix[1:].lower() not in endings:
        raise EocError(f"cannot write {what} to {path}: its name must end in one of {', '.join(sorted(endings))}")
    resolved(path)  # links may lead in a circle, and the current folder may be gone
    if not path.parent.is_dir():
        raise EocError(f"cannot write {what} to {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise EocError(f"cannot write {what} to {path}: it is a folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise EocError(f"cannot write {what} to {path}: no permission")


def check_picture(path: Path) -> None:
    """Refuse what cannot become a picture before anything is computed or printed."""
    from matplotlib.backend_bases import FigureCanvasBase

    check_file(path, "the picture", FigureCanvasBase.get_supported_filetypes())


def checked_by(check: Callable[[Path], None]) -> Callable[[Path | None], Path | None]:
    """A callback for the option of a file: refuse a file that cannot be written before the command begins."""

    def checked(path: Path | None) -> Path | None:
        if path is not None:
            check(path)
        return path

    return checked


Plot = Annotated[
    Path | None,
    typer.Option(
        help="Write a picture (.png, .pdf, .svg).",
        show_default=False,
        callback=checked_by(check_picture),
    ),
]


def edge_up_to(phi: Activation, sigma_b: float) -> EocCurve | None:
    """The edge of chaos for a picture; None where the window is too narrow, or the curve cannot be computed."""
    from eoc.criticality import eoc_curve

    try:
        return eoc_curve(phi, sigma_b_max=sigma_b)
    except EocError:
        return None


def save_picture(figure: Figure, path: Path) -> None:
    """Write the figure to a path that :func:`check_picture` let pass; the same bytes at every call."""
    dates = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    try:
        with replacing(path, "the picture") as part:
            figure.savefig(part, dpi=200, metadata=dates.get(path.suffix.lower()))
    except (ValueError, RuntimeError) as error:  # .pgf without a TeX installation: RuntimeError
        raise EocError(f"cannot write the picture to {path}: {error}") from None


def print_json(payload: dict[str, Any]) -> None:
    """One JSON object on stdout; numbers that JSON lacks become the strings "inf", "-inf" and "nan"."""
    print(json.dumps(_plain(payload), indent=2, allow_nan=False), file=results())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return _plain(value.tolist()) if hasattr(value, "tolist") else str(value)
