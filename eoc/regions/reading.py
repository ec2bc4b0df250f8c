"""A PyTorch model as a piecewise linear network, from its steps; what is read is compared with the model itself."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from eoc.errors import EocError, UnsupportedError
from eoc.messages import quoted
from eoc.models.steps import Kind, Step
from eoc.regions.model import Affine, Bend, Joined, Largest, Node, PiecewiseLinear, Total
from eoc.regions.pieces import straight_pieces
from eoc.regions.windows import adaptive_windows, by_channel, convolution, filled, mean_over, positions

if TYPE_CHECKING:
    from eoc.models.steps import Reading

__all__ = ["piecewise_linear"]

_CLOSE = 1e-9  # relative difference from the model, both in double precision
_TRIED = 4  # inputs on which both are compared


def piecewise_linear(model: object, x: ArrayLike) -> PiecewiseLinear:
    """A network whose regions can be computed.

    Parameters
    ----------
    model
        A :class:`PiecewiseLinear`, or a ``torch.nn.Module``: dense layers, convolutions, activations made of straight
        lines, mean and max pooling, batch normalisation, dropout, sums, concatenations, reshapings. It is taken in
        evaluation mode, and left as it is.
    x
        One input without the axis of the batch, which says what shape inputs have.

    Raises
    ------
    EocError
        For what is neither; for steps that are not piecewise linear, or are not understood, with their names; and if
        what was read computes other numbers than the model.
    """
    if isinstance(model, PiecewiseLinear):
        return model
    torch = sys.modules.get("torch")  # who has a model has imported it
    if torch is None or not isinstance(model, torch.nn.Module):
        raise EocError(
            f"the network must be a torch.nn.Module, or made by eoc.regions.dense of matrices; got {quoted(model)}"
        )
    from eoc.models.torch.read import read

    example = torch.as_tensor(np.asarray(x, dtype=float))
    own = copy.deepcopy(model).cpu().double().eval()
    with torch.no_grad():
        found = _network(read(own, example_inputs=example[None]), tuple(example.shape))
        _check(found, own, example)
    return found


def _network(reading: Reading, shape: tuple[int, ...]) -> PiecewiseLinear:
    if not reading.traced:
        raise UnsupportedError(f"the model could not be run on an input of shape {shape}: {reading.problem}")
    nodes: list[Node] = []
    values: dict[int, int] = {}  # from steps to the values of the network
    shapes: dict[int, tuple[int, ...]] = {}  # of one input
    for at, step in enumerate(reading.steps):
        before = [shapes[earlier] for earlier in step.inputs]
        inputs = tuple(values[earlier] for earlier in step.inputs)
        shapes[at] = tuple(step.shape[1:]) if step.shape else (before[0] if before else ())
        if step.kind is Kind.INPUT:
            if at:
                raise UnsupportedError(f"the model takes a second input, {step.name}: give one that takes one")
            values[at], shapes[at] = 0, shape
        elif step.kind in (Kind.DROPOUT, Kind.OUTPUT) or _keeps_order(step, before, shapes[at]):
            values[at] = inputs[0]
        else:
            if step.kind is Kind.ACTIVATION and step.mixture:
                nodes += _by_channel(step, inputs[0], before[0], len(nodes))
            else:
                nodes.append(_node(step, inputs, before, shapes[at]))
            values[at] = len(nodes)
    return PiecewiseLinear(prod(shape), tuple(nodes), shape)


def _check(found: PiecewiseLinear, model: Any, example: Any) -> None:
    """Refuse what differs from the model near the example, where reshapings were understood wrongly, for example."""
    import torch

    generator = torch.Generator().manual_seed(0)
    size = float(example.abs().max()) or 1.0
    x = example + size * torch.randn(_TRIED, *example.shape, generator=generator, dtype=torch.double)
    true = model(x).reshape(_TRIED, -1).numpy()
    own = found(x.numpy())
    if own.shape != true.shape or not np.allclose(own, true, rtol=_CLOSE, atol=_CLOSE * float(np.abs(true).max())):
        raise UnsupportedError(
            "the network that was read computes other numbers than the model: it does something with its units that "
            "its modules do not say, such as a transposition; use modules of torch.nn"
        )


def _node(step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Node:
    maker = _MAKERS.get(step.kind)
    if maker is None:
        note = f", {step.note}" if step.note else ""
        raise UnsupportedError(f"{step.name} ({step.kind}{note}) is not piecewise linear, or not known to be")
    return maker(step, inputs, before, shape)


def _layer(step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Node:
    affine = step.affine
    if affine is None or affine.transposed:
        raise UnsupportedError(f"{step.name}: what this layer computes with is not read")
    weight = affine.weight.detach().double().numpy()
    bias = None if affine.bias is None else affine.bias.detach().double().numpy()
    (taken,) = before
    if weight.ndim == 2:
        places = prod(taken) // weight.shape[1]
        matrix = weight if places == 1 else sparse.kron(sparse.eye_array(places), weight, format="csr")
        vector = np.zeros(prod(shape)) if bias is None else np.tile(bias, places)
        return Affine(inputs, matrix, vector, step.name)
    module = step.module
    if not hasattr(module, "padding") or getattr(module, "padding_mode", "zeros") != "zeros":
        raise UnsupportedError(f"{step.name}: use torch.nn.Conv1d, 2d or 3d, padded with zeros")
    kernel = weight.shape[2:]
    n = len(kernel)
    reaches = [d * (k - 1) for d, k in zip(module.dilation, kernel, strict=True)]
    if module.padding == "same":
        padding = [(reach // 2, reach - reach // 2) for reach in reaches]
    else:
        padding = [(0, 0)] * n if module.padding == "valid" else [(p, p) for p in module.padding]
    places_ = positions(taken[1:], kernel, module.stride, padding, module.dilation)
    matrix = convolution(weight.reshape(*weight.shape[:2], -1), places_, prod(taken[1:]), module.groups)
    vector = np.zeros(matrix.shape[0]) if bias is None else np.repeat(bias, places_.shape[0])
    return Affine(inputs, matrix, vector, step.name)


def _activation(step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], _: tuple[int, ...]) -> Node:
    try:
        pieces = straight_pieces(step.activation)
    except UnsupportedError as error:
        raise UnsupportedError(str(error), step.name) from None
    return Bend(inputs, pieces, prod(before[0]), step.name)


def _by_channel(step: Step, x: int, shape: tuple[int, ...], last: int) -> tuple[Node, ...]:
    """A PReLU with a slope a for each channel, as a x + (1 - a) relu(x); ``last`` is the value before its nodes."""
    if type(step.module).__name__ != "PReLU":
        raise UnsupportedError(f"{step.name}: its parameters differ by channel, which is not read")
    slopes = np.repeat(step.module.weight.detach().double().numpy(), prod(shape[1:]))
    none = np.zeros(slopes.size)
    return (
        Bend((x,), straight_pieces("relu"), slopes.size, step.name),
        _diagonal(step, (x,), slopes, none),
        _diagonal(step, (last + 1,), 1.0 - slopes, none),
        Total((last + 2, last + 3), slopes.size, step.name),
    )


def _scaling(step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Node:
    if step.tensor is not None:
        slopes = np.broadcast_to(step.tensor.detach().double().numpy(), (1, *shape)).ravel()
        return _diagonal(step, inputs, slopes, np.zeros(slopes.size))
    if step.activation is None:
        raise UnsupportedError(f"{step.name}: by what this multiplies is not known")
    n = prod(before[0])
    return _diagonal(step, inputs, np.full(n, step.slope), np.full(n, float(step.activation(0.0))))


def _diagonal(step: Step, inputs: tuple[int, ...], slopes: Any, offsets: Any) -> Affine:
    return Affine(inputs, sparse.diags_array(slopes, format="csr"), offsets, step.name)


def _norm(step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], _: tuple[int, ...]) -> Node:
    module = step.module
    if "BatchNorm" not in type(module).__name__ or step.over_batch:
        raise UnsupportedError(f"{step.name} normalises each input by itself, which is not piecewise linear")
    mean, variance = module.running_mean.numpy(), module.running_var.numpy()
    slope = 1.0 / np.sqrt(variance + module.eps)
    if module.weight is not None:
        slope = slope * module.weight.detach().numpy()
    offset = -mean * slope
    if module.bias is not None:
        offset = offset + module.bias.detach().numpy()
    pixels = prod(before[0][1:])
    return _diagonal(step, inputs, np.repeat(slope, pixels), np.repeat(offset, pixels))


def _sum(step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Node:
    if any(prod(one) != prod(shape) for one in before):
        raise UnsupportedError(f"{step.name} adds arrays of different shapes, {' and '.join(map(str, before))}")
    return Total(inputs, prod(shape), step.name)


def _concatenation(
    step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], shape: tuple[int, ...]
) -> Node:
    axes = [i for i in range(len(shape)) if sum(one[i] for one in before) == shape[i]]
    index = np.arange(prod(shape)).reshape(shape)
    if not axes:
        raise UnsupportedError(f"{step.name}: along which axis arrays are joined is not known")
    ends = np.cumsum([one[axes[0]] for one in before])[:-1]
    parts = [part.ravel() for part in np.split(index, ends, axis=axes[0])]
    return Joined(inputs, tuple(parts), step.name)


def _pool(step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Node:
    (taken,) = before
    pixels = prod(taken[1:])
    windows, counts = _windows(step, taken, shape)
    everywhere = by_channel(windows, taken[0], pixels)
    if step.largest:
        return Largest(inputs, filled(everywhere), step.name)
    terms = None if counts is None else np.full(everywhere.shape[0], float(counts))
    return Affine(inputs, mean_over(everywhere, prod(taken), terms), np.zeros(everywhere.shape[0]), step.name)


def _windows(step: Step, taken: tuple[int, ...], shape: tuple[int, ...]) -> tuple[Any, int | None]:
    """The windows of one channel, and what their sums are divided by; None: by how many pixels they have."""
    module, sizes, made = step.module, taken[1:], shape[1:]
    n = len(sizes)
    kernel = getattr(module, "kernel_size", None)
    if kernel is None:
        if "Adaptive" in type(module).__name__ or prod(made) * (step.terms or 0) == prod(sizes):
            return adaptive_windows(sizes, made or (1,) * n), None
        raise UnsupportedError(f"{step.name}: use a pooling module of torch.nn, whose windows are known")
    kernel = _each(kernel, n)
    padding, stride = _each(module.padding, n), _each(module.stride, n)
    dilation, ceil = _each(getattr(module, "dilation", 1), n), bool(getattr(module, "ceil_mode", False))
    found = positions(sizes, kernel, stride, [(p, p) for p in padding], dilation, ceil=ceil)
    if getattr(module, "divisor_override", None):
        return found, int(module.divisor_override)
    return found, prod(kernel) if getattr(module, "count_include_pad", False) and not ceil else None


def _each(setting: Any, axes: int) -> tuple[int, ...]:
    return tuple(setting) if isinstance(setting, tuple | list) else (int(setting),) * axes


def _keeps_order(step: Step, before: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> bool:
    """Whether it is a reshaping after which all units stand in the same order."""
    if step.kind is not Kind.SAME or prod(shape) != prod(before[0]):
        return False
    return step.module is None or type(step.module).__name__ in ("Identity", "Flatten", "Unflatten")


def _reshaping(step: Step, inputs: tuple[int, ...], before: Sequence[tuple[int, ...]], _: tuple[int, ...]) -> Node:
    if step.module is None:
        raise UnsupportedError(f"{step.name} takes some of its units, and which is not known")
    import torch

    n = prod(before[0])
    source = step.module(torch.arange(1, n + 1, dtype=torch.double).reshape(1, *before[0])).reshape(-1).numpy()
    index = source.astype(np.int64)
    if np.any(index != source):
        raise UnsupportedError(f"{step.name} mixes its units in a way that is not read")
    rows = np.flatnonzero(index)  # 0 is padding
    entries = np.ones(rows.size), (rows, index[rows] - 1)
    matrix = sparse.coo_array(entries, shape=(index.size, n)).tocsr()
    return Affine(inputs, matrix, np.zeros(index.size), step.name)


_MAKERS: dict[Kind, Callable[..., Node]] = {
    Kind.LAYER: _layer,
    Kind.ACTIVATION: _activation,
    Kind.SCALE: _scaling,
    Kind.NORM: _norm,
    Kind.ADD: _sum,
    Kind.CONCATENATE: _concatenation,
    Kind.POOL: _pool,
    Kind.SAME: _reshaping,
}
