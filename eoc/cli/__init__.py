"""The ``eoc`` command: parses, calls, prints. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from eoc.cli import (
    activations,
    cite,
    compare,
    curve,
    describe,
    diagnose,
    diagram,
    doctor,
    explain,
    explore,
    gain,
    images,
    init,
    jacobian,
    kernel,
    maps,
    montecarlo,
    networks,
    phase,
    propagate,
    rates,
    recurrent,
    regions,
    sensitivity,
    shape,
    sweep,
    sweep_tasks,
    sweep_view,
    symmetry,
    verify,
)
from eoc.cli.command_wrapper import register
from eoc.cli.exit_codes import ExitCode
from eoc.cli.streams import OutputLostError, standard_streams

__all__ = ["app", "main"]

app = typer.Typer(
    name="eoc",
    help="Edge-of-chaos initialisation and mean-field theory of wide networks, right to the last printed digit.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS: dict[str, Callable[..., None]] = {
    "init": init.command,
    "compare": compare.command,
    "gain": gain.command,
    "shape": shape.command,
    "curve": curve.command,
    "describe": describe.command,
    "maps": maps.command,
    "rates": rates.command,
    "propagate": propagate.command,
    "images": images.command,
    "jacobian": jacobian.command,
    "recurrent": recurrent.command,
    "kernel": kernel.command,
    "phase": phase.command,
    "diagram": diagram.command,
    "explore": explore.command,
    "diagnose": diagnose.command,
    "regions": regions.command,
    "symmetry": symmetry.command,
    "activations": activations.command,
    "networks": networks.command,
    "sensitivity": sensitivity.command,
    "verify": verify.command,
    "explain": explain.command,
    "cite": cite.command,
    "doctor": doctor.command,
}
_MONTECARLO: dict[str, Callable[..., None]] = {
    "lengths": montecarlo.lengths,
    "gaussianity": montecarlo.gaussianity,
    "counterexamples": montecarlo.counterexamples,
    "correlations": montecarlo.correlations,
}
_SWEEP: dict[str, Callable[..., None]] = {
    "check": sweep.check,
    "run": sweep.run,
    "status": sweep_view.status,
    "show": sweep_view.show,
    "plot": sweep_view.plot,
    "export": sweep_view.export,
    "tasks": sweep_tasks.command,
    "schema": sweep.schema,
}
for _app, _program, _commands in (
    (app, "eoc", _COMMANDS),
    (montecarlo.app, "eoc montecarlo", _MONTECARLO),
    (sweep.app, "eoc sweep", _SWEEP),
):
    for _name, _command in _commands.items():
        register(_app, _program, _name, _command)
app.add_typer(montecarlo.app, name="montecarlo")
app.add_typer(sweep.app, name="sweep")


def _version(value: bool) -> None:
    if value:
        from eoc._version import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", callback=_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Edge-of-chaos initialisation and mean-field theory of wide networks, right to the last printed digit."""


def main() -> None:
    """Run the command line; bad input ends with a message and exit code 2, never with a traceback."""
    try:
        with standard_streams():
            code = _ran()
    except OutputLostError as lost:
        code = lost.exit_code
        if code is not ExitCode.READER_GONE and sys.stderr is not None:
            with suppress(OSError):
                print(f"error: cannot write: {lost.why.strerror or lost.why}", file=sys.stderr)
    sys.exit(code)


def _ran() -> int | str | None:
    """The exit code of the command, of which all has been said."""
    from eoc.errors import EocError
    from eoc.messages import is_text

    try:
        for argument in sys.argv[1:]:
            if not is_text(argument):
                raise EocError(f"an argument is not in the encoding of this terminal: {argument!r}")
        app()
    except SystemExit as left:
        return left.code
    except EocError as error:
        return _refused(str(error))
    except MemoryError as error:
        what = f" ({error})" if str(error) else ""
        return _refused(f"there is not enough memory{what}: ask for less, such as fewer or smaller networks")
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OSError as error:  # of files: what standard output refuses is no OSError here
        return _refused(_of_file(error))
    return ExitCode.DONE


def _refused(message: str) -> ExitCode:
    print(f"error: {message}", file=sys.stderr)
    return ExitCode.REFUSED


def _of_file(error: OSError) -> str:
    """What is wrong with a file or folder that nobody has looked at before it was used."""
    why = error.strerror or str(error)
    if error.filename is not None:
        return f"cannot use {os.fsdecode(error.filename)}: {why}"
    try:
        Path.cwd()
    except OSError as gone:
        return f"cannot use the current folder: {gone.strerror}; go to one that is there"
    return why
