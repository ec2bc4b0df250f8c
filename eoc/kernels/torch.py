"""The kernel of an activation as a function of PyTorch, to build kernels of networks in one's own code."""

from __future__ import annotations

from typing import Any

from eoc.activations import activation as resolve
from eoc.frameworks import needs
from eoc.kernels.duals.checks import RANGE, Range, refuse
from eoc.kernels.duals.evaluation import MOST, Arrays, is_covered, slopes, values
from eoc.kernels.duals.tables import DualTables, dual_tables

needs("eoc.kernels.torch", extra="torch", libraries=("torch",))

import torch  # noqa: E402  only once it is known to be there

__all__ = ["Dual", "dual"]

_Function: Any = torch.autograd.Function


def dual(activation: object, q: Range = RANGE) -> Dual:
    """The kernel of an activation, (q_a, q_b, k) -> (K, Kd), as a function of PyTorch.

    For Gaussian u, v of variances q_a, q_b and covariance k these are K = E[phi(u) phi(v)] and Kd = E[phi'(u) phi'(v)],
    which is dK/dk.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    q
        The least and the largest variance, for which tables are made; at most a factor of 16 000 apart. Positively
        homogeneous activations, as relu, take any.

    Returns
    -------
    Dual
        The function. It can be differentiated, vectorised and compiled.

    Raises
    ------
    EocError
        For a range that is none.
    UnsupportedError
        Where phi jumps.
    AccuracyError
        Where phi cannot be tabulated to 1e-10.

    Examples
    --------
    >>> erf, k = dual("erf", q=(1.0, 2.0)), torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    >>> found = erf(1.0, 2.0, k)
    >>> [round(part.item(), 12) for part in found]  # the first is (2/pi) arcsin(2 k / sqrt((1 + 2 q_a) (1 + 2 q_b)))
    [0.166257971481, 0.340287581978]
    >>> found[0].backward()
    >>> bool(k.grad == found[1])
    True
    """
    return Dual(dual_tables(resolve(activation), *(float(end) for end in q)))


class Dual:
    """K and Kd by variances and covariances: call it with tensors or numbers, which are broadcast.

    Results are in double precision, on the device of the arguments. Slopes are those of K and Kd to about 1e-11; where
    kinks make the slope of Kd infinite at equal inputs it is kept at its value at 1 - c = 5e-15. Variances outside the
    range and covariances above sqrt(q_a q_b) raise an :class:`EocError`.

    Attributes
    ----------
    q
        The least and the largest variance.
    error
        Bounds on the errors of K relative to sqrt(E[phi(u)^2] E[phi(v)^2]), and of Kd relative to the same of phi'.
    """

    def __init__(self, tables: DualTables) -> None:
        self.q = (tables.low, tables.high)
        self.error = tables.error
        self._tables = tables
        self._on: dict[torch.device, Arrays] = {}

    def __repr__(self) -> str:
        return f"dual({self._tables.name!r}, q={self.q})"

    def __call__(self, q_a: Any, q_b: Any, k: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """K and Kd."""
        given = [one for one in (q_a, q_b, k) if isinstance(one, torch.Tensor)]
        device = given[0].device if given else None
        args = torch.broadcast_tensors(*(torch.as_tensor(x, dtype=torch.float64, device=device) for x in (q_a, q_b, k)))
        found: tuple[torch.Tensor, torch.Tensor] = _Pair.apply(self, *args)
        return found

    def arrays(self, device: torch.device) -> Arrays:
        """The tables on a device."""
        if device not in self._on:
            self._on[device] = _arrays(self._tables, device)
        return self._on[device]

    def check(self, t: Arrays, args: tuple[torch.Tensor, ...]) -> None:
        """Refuse what is not covered."""
        covered = is_covered(t, *args)
        if not bool(covered.all()):
            refuse(self._tables, *(x[~covered].detach().cpu().numpy() for x in args))


class _Elementwise(_Function):  # type: ignore[misc]
    """A function of arrays of one shape; ``vmap`` hands it all elements at once."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
        ctx.dual = inputs[0]
        ctx.save_for_backward(*inputs[1:], *output)
        ctx.save_for_forward(*inputs[1:], *output)

    @classmethod
    def vmap(cls, info: Any, in_dims: tuple[int | None, ...], of: Dual, *args: torch.Tensor) -> tuple[Any, Any]:
        """All elements at once."""
        full = [
            x.unsqueeze(0).expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)
            for x, dim in zip(args, in_dims[1:], strict=True)
        ]
        found = cls.apply(of, *full)
        return found, (0,) * len(found)


class _Pair(_Elementwise):
    """K and Kd."""

    @staticmethod
    def forward(of: Dual, *args: torch.Tensor) -> tuple[torch.Tensor, ...]:
        t = of.arrays(args[0].device)
        of.check(t, args)
        return _in_parts(values, t, args)

    @staticmethod
    def backward(ctx: Any, of_k: torch.Tensor, of_kd: torch.Tensor) -> tuple[Any, ...]:
        *args, _, kd = ctx.saved_tensors
        by = _Slopes.apply(ctx.dual, *args)
        ends = [of_k * one + of_kd * other for one, other in zip(by[:2], by[2:4], strict=True)]
        return None, *ends, of_k * kd + of_kd * by[4]

    @staticmethod
    def jvp(ctx: Any, _: None, first: torch.Tensor, second: torch.Tensor, covariance: torch.Tensor) -> tuple[Any, Any]:
        *args, _k, kd = ctx.saved_tensors
        by = _Slopes.apply(ctx.dual, *args)
        return (
            by[0] * first + by[1] * second + kd * covariance,
            by[2] * first + by[3] * second + by[4] * covariance,
        )


class _Slopes(_Elementwise):
    """Their derivatives, whose own ones are those of the operations."""

    @staticmethod
    def forward(of: Dual, *args: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _in_parts(slopes, of.arrays(args[0].device), args)

    @staticmethod
    def backward(ctx: Any, *of_slopes: torch.Tensor) -> tuple[Any, ...]:
        t = ctx.dual.arrays(of_slopes[0].device)
        _, pulled = torch.func.vjp(lambda *args: _in_parts(slopes, t, args), *ctx.saved_tensors[:3])
        return None, *pulled(of_slopes)

    @staticmethod
    def jvp(ctx: Any, _: None, *moved: torch.Tensor) -> tuple[torch.Tensor, ...]:
        t, args = ctx.dual.arrays(moved[0].device), ctx.saved_tensors[:3]
        _, found = torch.func.jvp(lambda *args: _in_parts(slopes, t, args), args, moved)
        return tuple(found)


def _in_parts(function: Any, t: Arrays, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The same, of tensors of any shape: no more than MOST pairs at a time."""
    parts = [function(t, *part) for part in zip(*(x.reshape(-1).split(MOST) for x in args), strict=True)]
    return tuple(torch.cat(one).reshape(args[0].shape) for one in zip(*parts, strict=True))


def _arrays(tables: DualTables, device: torch.device) -> Arrays:
    names = ("roots", "tree", "at", "spans", "ends", "series")
    return Arrays(
        of=tables,
        xp=torch,
        arange=lambda n: torch.arange(n, device=device),
        leading=lambda x: x.float().double(),
        constant=torch.Tensor.detach,
        for_blocks=lambda function, arrays: function(*arrays),
        **{name: torch.as_tensor(getattr(tables, name), device=device) for name in names},
    )
