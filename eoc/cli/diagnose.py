"""``eoc diagnose``: a real model, layer by layer, against the theory."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.command_wrapper import results
from eoc.cli.common import AsJson, Plot, find_activation, print_json, save_picture
from eoc.cli.models import built_model, read_array
from eoc.errors import EocError
from eoc.messages import quoted

if TYPE_CHECKING:
    from eoc.diagnose.diagnosis import Diagnosis

__all__ = ["command"]

_SAMPLES = 16
_BATCH = "one array of numbers (numpy.save), samples along its first axis"
_MOST = 2**28  # numbers that are drawn
_DIGITS = 12  # of a length that is looked at


@dataclasses.dataclass(frozen=True)
class _Inputs:
    """Where the batch comes from."""

    file: Path | None
    shape: str | None
    samples: int
    seed: int


def command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help='Where a PyTorch model is: "my_file.py:build", "package.module:build". A function is called; it '
            "returns the model, or the model and a batch.",
            show_default=False,
        ),
    ],
    batch: Annotated[
        Path | None, typer.Option(help="Inputs: a .npy file, samples along its first axis.", show_default=False)
    ] = None,
    input_shape: Annotated[
        str | None, typer.Option(help="Or N(0, 1) inputs of this shape: 784, or 3,32,32.", show_default=False)
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="How many of them.")] = _SAMPLES,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of these inputs and of the loss.")] = 0,
    activation: Annotated[
        str | None,
        typer.Option(help="Which activation follows the layers where the model does not say.", show_default=False),
    ] = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Measure variances, correlations and gradients in each layer of a PyTorch model, and say what they mean.

    Beside them stands what the theory says for the model's own activation, sigma_w and sigma_b. The model's file is
    run. Left out, the inputs are N(0, 1) with as many features as the first layer takes.
    """
    from eoc.frameworks import needs

    needs("eoc diagnose", extra="torch", libraries=("torch",))
    from eoc import diagnose

    phi = None if activation is None else find_activation(activation)
    built, given = built_model(model)
    inputs = _Inputs(batch, input_shape, batch_size, seed)
    found = diagnose.torch(built, _batch(built, given, inputs), activation=phi, seed=seed)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)
    if plot is not None:
        from eoc.plotting import diagnosis_figure

        save_picture(diagnosis_figure(found), plot)


def _print(found: Diagnosis) -> None:
    from eoc.cli.tables import console
    from eoc.diagnose.table import table
    from eoc.reports.writing import print_paragraph

    out = console()
    print_paragraph(out, "", found.verdict, indent=2)
    print(file=results())
    print(table(found.rows), file=results(), end="\n\n")
    for sentence in found.words:
        print_paragraph(out, "", sentence, indent=2)
    out.print(found.remedy, markup=False, soft_wrap=True)


def _batch(model: Any, given: Any, inputs: _Inputs) -> Any:
    """The batch that was asked for, on the model's device and, unless an embedding looks it up, in its precision."""
    import torch

    if inputs.file is not None and inputs.shape is not None:
        raise EocError("give --batch or --input-shape, not both")
    if inputs.file is None and inputs.shape is None and given is not None:
        return given
    values = read_array(inputs.file, _BATCH) if inputs.file is not None else _drawn(_shape(model, inputs), inputs)
    like = next((one for one in model.parameters() if one.is_floating_point()), torch.zeros(()))
    values = torch.as_tensor(values, device=like.device)
    indices = isinstance(_first(model), torch.nn.Embedding | torch.nn.EmbeddingBag) and not values.is_floating_point()
    return values if indices else values.to(like.dtype)


def _drawn(shape: tuple[int, ...], inputs: _Inputs) -> Any:
    import torch

    if inputs.samples * math.prod(shape) > _MOST:
        raise EocError(_too_many(",".join(map(str, shape)), inputs))
    generator = torch.Generator().manual_seed(inputs.seed)
    return torch.randn(inputs.samples, *shape, generator=generator)


def _too_many(shape: str, inputs: _Inputs) -> str:
    return f"{inputs.samples} inputs of shape {shape} are more than 2^28 numbers: take smaller or fewer ones"


def _first(model: Any) -> Any:
    """The first module that is not made of others."""
    return next((one for one in model.modules() if not any(one.children())), model)


def _shape(model: Any, inputs: _Inputs) -> tuple[int, ...]:
    if inputs.shape is not None:
        parts = [part.strip() for part in inputs.shape.split(",")]
        if not all(part.isdecimal() and part.strip("0") for part in parts):
            raise EocError(f"--input-shape takes whole numbers > 0 separated by commas, got {quoted(inputs.shape)}")
        if any(len(part) > _DIGITS for part in parts):
            raise EocError(_too_many(quoted(inputs.shape), inputs))
        return tuple(int(part) for part in parts)
    from torch.nn import Linear

    first = _first(model)
    if isinstance(first, Linear):
        return (first.in_features,)
    raise EocError(
        f"the first module is {type(first).__name__}, which does not say what shape the inputs have: give "
        "--input-shape, for example 3,32,32, or --batch"
    )
