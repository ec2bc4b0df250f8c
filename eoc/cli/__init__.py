"""The ``eoc`` command: parses, calls, prints. Nothing heavy is imported before a command runs.

Exit codes: 0 done; 1 ``eoc verify`` found that theory and simulation disagree, or a point of ``eoc sweep run`` failed;
2 the input cannot be used, or needs more memory than there is (message on stderr); 3 the question is fine but no usable
edge-of-chaos point exists (the reason and an alternative are printed); 74 standard output cannot be written;
130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from eoc.cli import (
    activations,
    curve,
    describe,
    diagnose,
    diagram,
    init,
    maps,
    montecarlo,
    montecarlo_correlations,
    phase,
    propagate,
    rates,
    sweep,
    sweep_tasks,
    sweep_view,
    verify,
)
from eoc.cli.around import EXIT_OUTPUT, discard, register

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
    "curve": curve.command,
    "describe": describe.command,
    "maps": maps.command,
    "rates": rates.command,
    "propagate": propagate.command,
    "phase": phase.command,
    "diagram": diagram.command,
    "diagnose": diagnose.command,
    "activations": activations.command,
    "verify": verify.command,
}
_MONTECARLO: dict[str, Callable[..., None]] = {
    "lengths": montecarlo.lengths,
    "gaussianity": montecarlo.gaussianity,
    "counterexamples": montecarlo.counterexamples,
    "correlations": montecarlo_correlations.command,
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
for _app, _commands in ((app, _COMMANDS), (montecarlo.app, _MONTECARLO), (sweep.app, _SWEEP)):
    for _name, _command in _commands.items():
        register(_app, _name, _command)
app.add_typer(montecarlo.app, name="montecarlo")
app.add_typer(sweep.app, name="sweep")


def _version(value: bool) -> None:
    if value:
        from eoc import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Edge-of-chaos initialisation and mean-field theory of wide networks, right to the last printed digit."""


def main() -> None:
    """Run the command line; bad input ends with a message and exit code 2, never with a traceback."""
    from eoc.errors import EocError

    _survive_narrow_encodings()
    try:
        app()
    except EocError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except MemoryError as error:
        what = f" ({error})" if str(error) else ""
        print(
            f"error: there is not enough memory{what}: ask for less, such as fewer or smaller networks", file=sys.stderr
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # of standard output: a full disk
        discard(sys.stdout)
        print(f"error: cannot write: {error.strerror or error}", file=sys.stderr)
        sys.exit(EXIT_OUTPUT)


def _survive_narrow_encodings() -> None:
    """Print what the encoding of stdout lacks, e.g. a Greek name in an ASCII locale, as an escape."""
    import io

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
