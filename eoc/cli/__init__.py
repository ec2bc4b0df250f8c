"""The ``eoc`` command: parses, calls, prints. Nothing heavy is imported before a command runs.

Exit codes: 0 done; 1 ``eoc verify`` found that theory and simulation disagree, or standard output cannot be written;
2 the input cannot be used (message on stderr); 3 the question is fine but no usable edge-of-chaos
point exists (the reason and an alternative are printed); 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from eoc.cli import (
    activations,
    curve,
    describe,
    diagram,
    init,
    maps,
    montecarlo,
    montecarlo_correlations,
    phase,
    propagate,
    rates,
    verify,
)

__all__ = ["app", "main"]

app = typer.Typer(
    name="eoc",
    help="Edge-of-chaos initialisation and mean-field theory of wide networks, right to the last printed digit.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.command)
app.command("curve")(curve.command)
app.command("describe")(describe.command)
app.command("maps")(maps.command)
app.command("rates")(rates.command)
app.command("propagate")(propagate.command)
app.command("phase")(phase.command)
app.command("diagram")(diagram.command)
app.command("activations")(activations.command)
montecarlo.app.command("correlations")(montecarlo_correlations.command)
app.add_typer(montecarlo.app, name="montecarlo")
app.command("verify")(verify.command)


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
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # of standard output: a full disk
        print(f"error: cannot write: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)


def _survive_narrow_encodings() -> None:
    """Print what the encoding of stdout lacks, e.g. a Greek name in an ASCII locale, as an escape."""
    import io

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
