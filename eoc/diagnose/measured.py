"""One pass forward and one back through a real model, with what its layers and its attention hand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch.autograd.graph import get_gradient_edge
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from eoc.diagnose.attention import Attention, Attentions
from eoc.diagnose.calls import Applied, Call, Flat, Weights
from eoc.diagnose.output_moments import Moments, moments_of
from eoc.diagnose.start_loss import guessed
from eoc.errors import EocError
from eoc.messages import quoted
from eoc.models.steps import Step
from eoc.models.torch.recurrent import RECURRENT
from eoc.models.torch.structures import tensors_in
from eoc.models.torch.unwrapped import unwrapped

__all__ = ["Run", "arguments", "count_samples", "measure"]


@dataclass(frozen=True)
class Run:
    """What a model did to a batch.

    Attributes
    ----------
    calls
        One for each use of each layer, in the order in which they ran.
    attention
        The same of attention.
    output
        Of the first tensor of numbers that is returned.
    gradient
        The root mean square over samples of the norm of the gradient by all that is returned.
    guessed
        Of outputs that may be logits: see :func:`eoc.diagnose.start_loss.guessed`.
    """

    calls: tuple[Call, ...]
    attention: tuple[Attention, ...]
    output: Moments
    gradient: float
    guessed: tuple[int, float] | None = None


def measure(
    model: Any,
    batch: Any,
    steps: Sequence[Step],
    flat: Mapping[int, Flat],
    loss: Callable[[Any], Any] | None,
    seed: int,
) -> Run:
    """Run a model once forward and once backward, and measure what its layers hand on.

    Parameters
    ----------
    model
        A ``torch.nn.Module``; its hooks and gradients are left as they were.
    batch
        A tensor, a tuple or list of tensors, or a dict of keyword arguments.
    steps
        Of the model.
    flat
        What tells, for layers among them, at which pre-activations the activation that follows is flat.
    loss
        A scalar function of the output; None: a random linear function of it with N(0, 1) coefficients.
    seed
        Of the coefficients.
    """
    given, named = arguments(batch)
    samples = count_samples(batch)
    model, prefix = unwrapped(model)
    seen = _Seeing(model, prefix, Weights(steps, samples, flat))
    with torch.inference_mode(False), torch.enable_grad(), seen.modules():
        try:
            with seen:
                result = model(*given, **named)
        except Exception as error:
            raise EocError(f"the model cannot take this batch: {type(error).__name__}: {error}") from error
        calls = tuple(call for one in seen.applied for call, _ in one.calls)
        outputs = _last([one for one in tensors_in(result) if one.is_floating_point()])
        output = moments_of(outputs[0].detach(), outputs[0].ndim - 1, samples) if outputs else Moments.nothing()
        if not calls:
            return Run((), (), output, float("nan"))
        total = _linear(outputs, seed) if loss is None else _scalar(loss(result))
        gradient = _gradients(total, seen.applied, outputs, samples) if total.requires_grad else float("nan")
    return Run(calls, tuple(seen.attentions.found), output, gradient, guessed(outputs))


class _Seeing(TorchFunctionMode):
    """Looks at every function that the model calls."""

    def __init__(self, model: Any, prefix: str, weights: Weights) -> None:
        super().__init__()
        self.applied: list[Applied] = []
        self.attentions = Attentions()
        self._weights = weights
        self._names = {id(module): prefix + name for name, module in reversed(list(model.named_modules()))}
        self._model, self._stack = model, [model]

    @contextmanager
    def modules(self) -> Iterator[None]:
        """Meanwhile it is known which module runs."""

        def enter(module: Any, inputs: Any) -> None:
            self._stack.append(module)

        def leave(module: Any, inputs: Any, output: Any) -> Any:
            self._stack.pop()
            applied = self._weights.recurrent(module, output) if isinstance(module, RECURRENT) else None
            if applied is None:
                return None
            first = self._watched(applied, output[0] if isinstance(output, tuple) else output)
            return (first, *output[1:]) if isinstance(output, tuple) else first

        with ExitStack() as stack:
            for module in self._model.modules():
                if isinstance(module, torch.jit.ScriptModule):
                    continue
                stack.callback(module.register_forward_pre_hook(enter, prepend=True).remove)
                stack.callback(module.register_forward_hook(leave, always_call=True).remove)
            yield

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if func is functional.multi_head_attention_forward:
            query = args[0] if args else kwargs["query"]
            self._weights.tokens = tuple(query.shape[:2]) if query.ndim == 3 else None
            try:
                with patch.object(functional, "has_torch_function", lambda _: False), self:
                    return func(*args, **kwargs)  # what it calls is looked at, instead of itself
            finally:
                self._weights.tokens = None
        out = func(*args, **kwargs)
        module = self._names.get(id(self._stack[-1]), "")
        self.attentions.see(name, args, kwargs, out, module)
        applied = self._weights.applied(name, args, kwargs, out, module)
        return out if applied is None else self._watched(applied, out)

    def _watched(self, applied: Applied, out: torch.Tensor) -> torch.Tensor:
        """The output with a place to take gradients by, whatever changes it afterwards."""
        if not any(one is applied for one in self.applied):
            self.applied.append(applied)
        if out.requires_grad:
            applied.edge = get_gradient_edge(out)
            return out
        applied.edge = out.requires_grad_()
        return out.clone()


def _gradients(total: Any, applied: Sequence[Applied], outputs: Sequence[Any], samples: int) -> float:
    """Set the gradients of all calls; the norm of that by the outputs."""
    weights = {id(one.weight): one.weight for one in applied if one.weight.requires_grad}
    last = [one for one in outputs if one.requires_grad]
    wanted = [one.edge for one in applied] + list(weights.values()) + last
    found = torch.autograd.grad(total, wanted, allow_unused=True)
    n = len(applied)
    by_weight = dict(zip(weights, found[n:], strict=False))
    for one, gradient in zip(applied, found[:n], strict=True):
        for call, rows in one.calls:
            call.weight_gradient = _norm(by_weight.get(id(one.weight)), rows, 0)
            call.reached = gradient is not None
            call.gradient = _norm(gradient, rows, one.axis) / samples**0.5
    squares = [_norm(one, None, 0) ** 2 for one in found[n + len(weights) :] if one is not None]
    return float((sum(squares) / samples) ** 0.5)


def _norm(gradient: Any, rows: slice | None, axis: int) -> float:
    if gradient is None:
        return float("nan")
    part = gradient if rows is None else gradient[(slice(None),) * axis + (rows,)]
    return float(part.double().norm())


def arguments(batch: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a model is called with, by place and by name."""
    if isinstance(batch, torch.Tensor):
        return (batch,), {}
    if isinstance(batch, dict) and batch:
        return (), batch
    if isinstance(batch, tuple | list) and batch and isinstance(batch[0], torch.Tensor):
        return tuple(batch), {}
    raise EocError(
        f"batch must be a tensor, a tuple of tensors or a dict of keyword arguments, got {quoted(batch)}: "
        "torch.from_numpy makes a tensor of an array"
    )


def count_samples(batch: Any) -> int:
    """The length of the first tensor in a batch."""
    first = next(tensors_in(batch), None)
    if first is None or first.ndim == 0 or len(first) == 0:
        raise EocError("batch holds no tensor with at least one sample along its first dimension")
    return len(first)


def _last(outputs: Sequence[Any]) -> list[Any]:
    """Outputs but for those that the first is computed from, such as the hidden states of an encoder."""
    first, rest = list(outputs[:1]), [one for one in outputs[1:] if one.requires_grad]
    if not rest or not first[0].requires_grad:
        return list(outputs)
    found = torch.autograd.grad(first[0].double().sum(), rest, allow_unused=True, retain_graph=True)
    return first + [one for one, gradient in zip(rest, found, strict=True) if gradient is None]


def _linear(outputs: Sequence[Any], seed: int) -> Any:
    """A random linear function of all outputs."""
    generator = torch.Generator().manual_seed(seed)
    terms = []
    for output in outputs:
        weights = torch.randn(output.shape, generator=generator, dtype=torch.float64)
        terms.append((output.cpu().double() * weights).sum())
    if not terms:
        raise EocError("the model returns no floating-point tensor: give a loss, a scalar function of what it returns")
    return sum(terms)


def _scalar(value: Any) -> Any:
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        shape = f" of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else ""
        raise EocError(f"loss must return one number, got {quoted(type(value).__name__)}{shape}")
    return value.sum()
