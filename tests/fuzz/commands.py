"""Command lines: every command with options drawn from what it has, and values that are right, wrong and in between."""

from __future__ import annotations

import inspect
import io
import json
import os
import random
import re
import shlex
import sys
import typing
import unittest.mock
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

import typer
from typer.models import ArgumentInfo, OptionInfo

import eoc.cli
from eoc.activations.named import names
from eoc.layers import PRESETS
from eoc.sweeps import run_sweep

from . import networks
from .kind import Kind
from .values import BY_NAME, FORMULAS, LISTS, NUMBERS, OUTPUTS, OWN, PARAMETERS, RIGHT, STRANGE, SWEEP, WHOLE
from .watch import TooLongError, watched

__all__ = ["KIND", "problems_of"]

_CODES = {0, 1, 2, 3, 130}  # 74 and 141 are of standard output, which is whole here
_ONE = {("verify",), ("sweep", "run")}  # the commands that may say that something failed
_LEFT_OUT = {"--install-completion", "--show-completion", "--scheduler", "--dask", "--workers"}  # no processes here


@cache
def _commands() -> dict[tuple[str, ...], typing.Any]:
    """Every command of the program, by its words."""

    def of(app: typer.Typer, before: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], typing.Any]]:
        for command in app.registered_commands:
            yield (*before, str(command.name)), command.callback
        for group in app.registered_groups:
            yield from of(group.typer_instance, (*before, str(group.name)))

    return dict(of(eoc.cli.app, ()))


@cache
def _parameters(words: tuple[str, ...]) -> tuple[list[str], list[tuple[str, str, bool, bool]]]:
    """Names of the arguments of a command, and of its options name, flag, whether it is a switch, and required."""
    callback = inspect.unwrap(_commands()[words])
    hints = typing.get_type_hints(callback, include_extras=True)
    arguments, options = [], []
    for name, parameter in inspect.signature(callback).parameters.items():
        kind, *about = typing.get_args(hints[name])
        info = next(one for one in about if isinstance(one, ArgumentInfo | OptionInfo))
        if isinstance(info, ArgumentInfo):
            arguments.append(name)
            continue
        flags = [flag for flag in info.param_decls or () if flag.startswith("--")]
        flag = flags[0] if flags else f"--{name.replace('_', '-')}"
        options.append((name, flag, kind is bool, parameter.default is inspect.Parameter.empty))
    return arguments, [one for one in options if one[1] not in _LEFT_OUT]


def _value(rng: random.Random, name: str, right: bool = False) -> str:
    """A value for a parameter of that name; ``right``: one that is probably right."""
    if right and name in RIGHT:
        return rng.choice(RIGHT[name])
    if rng.random() < 0.04:
        return rng.choice(STRANGE)
    if name in ("activation", "activations"):
        return _activation(rng)
    if name in ("plot", "save", "output", "checkpoint", "csv", "parquet", "netcdf", "to"):
        return rng.choice(OUTPUTS)
    if name in BY_NAME:
        return rng.choice(BY_NAME[name])
    return rng.choice(rng.choices((NUMBERS, WHOLE, LISTS), (8, 2, 1))[0])


def _activation(rng: random.Random) -> str:
    source = rng.choices(("name", "formula", "parameter", "network", "mistyped", "strange"), (12, 6, 3, 2, 2, 1))[0]
    if source == "name":
        return rng.choice(names())
    if source == "formula":
        return rng.choice(FORMULAS)
    if source == "parameter":
        return rng.choice(PARAMETERS).format(rng.choice(NUMBERS))
    if source == "network":
        return rng.choice([networks.drawn(rng, 1, networks.TAME), *PRESETS])
    if source == "mistyped":
        name = list(rng.choice(names()))
        name[rng.randrange(len(name))] = rng.choice("abcdefghi _()")
        return "".join(name)
    return rng.choice(STRANGE)


def _draw(rng: random.Random) -> str:
    words = rng.choice(list(_commands()))
    arguments, options = _parameters(words)
    line = list(words)
    right = rng.random() < 0.6  # else most lines end at their first wrong value
    for name in arguments:
        line += [_value(rng, name, right) for _ in range(1 if right else rng.choices((1, 0, 2), (90, 5, 5))[0])]
    for name, flag, switch, required in options:
        if rng.random() < (0.9 if required else 0.3):
            line += [flag] if switch else [flag, _value(rng, name, right)]
    if rng.random() < 0.02:
        line.append(rng.choice(("--help", "--foo", "-h", "extra", "--version")))
    if rng.random() < 0.02:
        rng.shuffle(line)
    return shlex.join(line)


@cache
def prepared() -> Path:
    """A folder with the files that command lines name; what commands import is there, which no interrupt may break."""
    folder = Path.cwd()
    (folder / "folder").mkdir()
    (folder / "folder.png").mkdir()
    (folder / "own.py").write_text(OWN)
    (folder / "sweep.yaml").write_text(SWEEP)
    (folder / "bad.yaml").write_text('schema: 1\ntask: phase\n"\\ud800": 3\naxes: [\n')
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "loop.zarr").symlink_to("loop.zarr")
    (folder / "null.png").symlink_to(os.devnull)
    (folder / "null.csv").symlink_to(os.devnull)
    for name in ("done.zarr", "broken.zarr"):
        run_sweep(folder / "sweep.yaml", folder / name, workers=1)
    for line in ("init tanh", "rates relu --plot rates.png", "montecarlo lengths tanh --networks 10", "diagnose a:b"):
        _main(line.split(), io.StringIO(), io.StringIO())
    (folder / "broken.zarr" / "status" / "zarr.json").write_text("{")
    return folder


class _Run(typing.NamedTuple):
    code: object
    out: str
    err: str
    silent: list[str]
    interrupted: bool


def _main(arguments: list[str], out: typing.TextIO, err: typing.TextIO) -> object:
    """The exit code of the command in this process."""
    argv = unittest.mock.patch.object(sys, "argv", ["eoc", *arguments])
    try:
        with redirect_stdout(out), redirect_stderr(err), argv:
            eoc.cli.main()
    except SystemExit as left:
        return 0 if left.code is None else left.code
    except TooLongError:
        return "no end, and no end by Ctrl-C"
    except BaseException as error:  # what a user would see as a traceback
        return f"{type(error).__name__}: {str(error)[:300]}"
    return 0


def _run(arguments: list[str]) -> _Run:
    """What the command does."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with watched() as heard:
        code = _main(arguments, out, heard.err)
    out.flush()
    text = out.buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]
    return _Run(code, text, heard.err.getvalue(), heard.too_silent, heard.interrupted)


def problems_of(line: str) -> list[str]:
    """What is wrong with what a command line does."""
    folder = prepared()
    os.chdir(folder)
    arguments = shlex.split(line)
    ran = _run(arguments)
    found = list(ran.silent)
    if ran.code not in _CODES:
        found.append(f"exit code {ran.code}; {ran.err[-500:]}")
    if ran.code == 1 and not any(tuple(arguments[: len(one)]) == one for one in _ONE):
        found.append(f"exit code 1; {ran.err[-300:]}")
    if ran.code == 130 and not ran.interrupted:
        found.append("exit code 130 without Ctrl-C")
    if "Traceback" in ran.err:
        found.append(f"a traceback: {ran.err[-500:]}")
    if ran.code == 2 and not ran.err.strip() and '"problems"' not in ran.out:
        found.append("exit code 2 without a message")
    if ran.code == 0:
        found += _wrong_output(arguments, ran.out)
    elif "--json" in arguments and ran.out.strip():
        found += _no_json(ran.out)
    return found


def _wrong_output(arguments: list[str], out: str) -> list[str]:
    """What is wrong with the results."""
    if not out.strip():
        return ["nothing was printed"]
    if {"--help", "-h"} & {*arguments} or arguments[:1] == ["sweep"]:
        return []  # in which NaN is a word, or stands where a point has no result
    found = [] if "--json" not in arguments else _no_json(out)
    if not any("nan" in one.lower() for one in arguments) and (nan := re.search(r".*(?<![\w/.\"])nan(?![\w/]).*", out)):
        found.append(f"NaN without a word: {nan[0][:200]}")
    return found


def _no_json(out: str) -> list[str]:
    try:
        json.loads(out, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError) as error:
        return [f"no JSON: {error}"]
    return []


KIND = Kind("commands", _draw, problems_of)
