"""Which functions of torch, and methods of its tensors, do what."""

from __future__ import annotations

from typing import Any

from eoc.activations.argument.objects import plain_name as without_operators
from eoc.models.steps import Kind

__all__ = ["ELEMENTWISE", "KINDS", "LINEAR", "NUMBERS", "TRANSPOSED", "UNCHANGED", "is_in_place", "plain_name"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What is no data: shapes, types, devices, new tensors.
NUMBERS = _words(
    "size dim ndim shape dtype device numel nelement stride is_cuda is_floating_point get_device len item "
    "zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full new_empty "
    "new_tensor _assert _assert_is_none requires_grad"
)

#: Each output depends on one element of each input only.
ELEMENTWISE = _words(
    "abs absolute neg negative pos positive exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal "
    "sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh arcsin arccos arctan arcsinh arccosh arctanh "
    "sinc erf erfc sigmoid expit logit sign sgn heaviside round floor ceil trunc frac pow add sub rsub mul "
    "div rdiv rtruediv rpow remainder mod fmod clamp clip clamp_min clamp_max maximum minimum fmax fmin where lt le gt "
    "ge eq ne relu relu6 leaky_relu rrelu prelu elu celu selu gelu silu mish softplus logsigmoid log_sigmoid "
    "hardtanh hardswish hardsigmoid softsign tanhshrink softshrink hardshrink threshold hypot atan2 xlogy "
    "nan_to_num copysign logaddexp"
)

#: Functions with a weight after x, and a bias after that.
LINEAR = _words("linear conv1d conv2d conv3d")
TRANSPOSED = _words("conv_transpose1d conv_transpose2d conv_transpose3d")

#: What has the same numbers as its first argument, in the same shape: another type, another device, a copy.
UNCHANGED = _words(
    "contiguous clone to to_copy type type_as float double half bfloat16 cuda cpu detach data requires_grad alias "
    "lift_fresh real"
)

_KINDS = {
    Kind.SAME: _words(
        "view reshape flatten unflatten permute transpose t adjoint swapaxes swapdims movedim moveaxis "
        "squeeze unsqueeze expand expand_as "
        "repeat tile roll flip chunk split tensor_split unbind narrow select index_select gather "
        "take_along_dim take getitem interpolate upsample pad pixel_shuffle pixel_unshuffle channel_shuffle "
        "unfold fold view_as reshape_as repeat_interleave broadcast_to T mT H mH rot90 diagonal masked_fill "
        "tril triu rearrange tuple list as_strided masked_select unsafe_chunk unsafe_split swapaxes _reshape_alias "
        "constant_pad_nd roll sort atleast_1d atleast_2d atleast_3d ravel"
    ),
    Kind.DROPOUT: _words(
        "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout feature_dropout "
        "stochastic_depth drop_path"
    ),
    Kind.POOL: _words(
        "mean sum amax amin max min norm vector_norm var std max_pool1d max_pool2d max_pool3d avg_pool1d "
        "avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d "
        "adaptive_max_pool2d adaptive_max_pool3d"
    ),
    Kind.NORM: _words("batch_norm layer_norm group_norm instance_norm rms_norm normalize"),
    Kind.CONCATENATE: _words(
        "cat concat concatenate stack hstack vstack dstack column_stack setitem copy scatter index_copy "
        "masked_scatter index_put slice_scatter select_scatter"
    ),
    Kind.ATTENTION: _words("scaled_dot_product_attention"),
}
#: What is one step whatever its arguments.
KINDS = {name: kind for kind, names in _KINDS.items() for name in names}


def plain_name(target: Any) -> str:
    """The name of a function or method, the same for a function, its operator and its form in place."""
    name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    return name if name in NUMBERS else without_operators(name)


def is_in_place(target: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a function or method writes its result over its first argument."""
    name = target if isinstance(target, str) else getattr(target, "__name__", "")
    return bool(kwargs.get("inplace")) or (name.endswith("_") and not name.endswith("__"))
