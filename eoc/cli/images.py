"""``eoc images``: what becomes of inputs with positions, such as images, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, NetworkName, check_file, find_block, print_json
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.files import replacing
from eoc.reports.writing import number, print_headline, print_table, print_title

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from eoc.floats import FloatArray
    from eoc.propagation import PositionTrajectory

__all__ = ["command"]

_MANY = 60  # layers that are printed; of more, evenly so many


def command(
    activation: NetworkName,
    data: Annotated[
        Path,
        typer.Argument(metavar="FILE.npy", help="The inputs, (inputs, channels, ...positions).", show_default=False),
    ],
    sigma_w: Annotated[
        float | None, typer.Option(help="Standard deviation of the weights of its free conv or dense.")
    ] = None,
    sigma_b: Annotated[float, typer.Option(help="Standard deviation of its biases.")] = 0.0,
    depth: Annotated[int, typer.Option(help="How many times the network is applied.")] = 1,
    inputs: Annotated[int, typer.Option(help="How many inputs are taken, from the first on.")] = 2,
    aligned: Annotated[
        bool, typer.Option("--aligned", help="Only equal positions: less memory, for conv and flatten.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(help="Write covariances and kernels to a file (.npz).", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow images or sequences through a network: second moments and gradients at every position."""
    from eoc.propagation import propagate_positions

    if save is not None:
        check_file(save, "the covariances", ("npz",))
    if inputs < 1:
        raise EocError(f"--inputs must be at least 1, got {inputs}")
    source, x = find_block(activation), _loaded(data)[:inputs]
    report = progress()
    report.expect("layers")
    run = propagate_positions(
        source,
        x,
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        depth=depth,
        pairs="aligned" if aligned else "every",
        kernels=save is not None,
        progress=report,
    )
    if as_json:
        print_json(_payload(run))
    else:
        out = console()
        _write(out, run, x.shape)
        print_next(out, command_line("verify", activation, sigma_w=sigma_w), "draws such networks with real weights")
    if save is not None:
        _save(run, save)


def _loaded(path: Path) -> FloatArray:
    """The array of a file; EocError if it holds none."""
    import numpy as np

    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EocError(f"cannot read the inputs {path}: {getattr(error, 'strerror', None) or error}") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "iuf":
        raise EocError(f"{path} must hold one array of numbers, (inputs, channels, ...positions), as a .npy file")
    return np.asarray(found, dtype=float)


def _write(out: Console, run: PositionTrajectory, shape: tuple[int, ...]) -> None:
    from eoc.layers import network

    last = run.steps[-1]
    start = run.steps[0]
    gradients = float(last.chi.mean())
    print_headline(
        out,
        f"behind {len(run.steps) - 1} layers {_of(shape)} have E[x^2] = {number(float(last.q.mean()), digits=4)}, from "
        f"{number(float(start.q.mean()), digits=4)}; a unit's squared derivatives by all inputs are "
        f"{number(gradients, digits=4)}.",
    )
    print_title(out, network(run.network))
    every = max(1, -(-len(run.steps) // _MANY))
    steps = [step for i, step in enumerate(run.steps) if i % every == 0 or step is last]

    def rows(digits: int) -> list[tuple[str, ...]]:
        def shown(values: np.ndarray) -> str:
            return number(float(values), digits=digits)

        return [
            (
                step.place,
                " x ".join(map(str, step.q.shape[1:])) or "-",
                *(shown(part) for part in (step.q.mean(), step.q.min(), step.q.max(), step.chi.mean())),
            )
            for step in steps
        ]

    print_table(out, ("layer", "positions", "mean q", "least q", "largest q", "mean chi"), rows)
    out.print(r"q: E\[x^2] over units at a position; chi: squared derivatives of a unit there by all of the input")


def _of(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} input{'s' * (shape[0] != 1)} of {' x '.join(map(str, shape[2:]))} positions"


def _payload(run: PositionTrajectory) -> dict[str, Any]:
    """Everything but pairs of positions, which ``--save`` has."""
    steps = [{"place": step.place, "q": step.q, "q_error": step.q_error, "chi": step.chi} for step in run.steps]
    pairs = {"covariance": run.covariance, "covariance_error": run.covariance_error, "one_minus_c": run.one_minus_c}
    return {"network": run.network, "layers": steps, **(pairs if run.q.ndim == 1 else {})}


def _save(run: PositionTrajectory, path: Path) -> None:
    import numpy as np

    names = ("covariance", "one_minus_c", "ntk")
    arrays = {name: getattr(run, name) for one in names for name in (one, f"{one}_error")}
    with replacing(path, "the covariances") as part, part.open("wb") as file:
        np.savez(file, **arrays)
