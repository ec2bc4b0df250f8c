"""What each layer of Keras is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt
from typing import Any

import keras
import numpy as np

from eoc.models.keras.affine import Inputs, Shape, convolution, dense, depthwise, einsum, own, separable, transposed
from eoc.models.keras.builder import Builder, Elements
from eoc.models.lines import scaling
from eoc.models.slots import Learned
from eoc.models.steps import Kind

__all__ = ["add_layer"]


_RECURRENT = ("Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "GRU", "LSTM", "RNN", "SimpleRNN")
_WHY_RECURRENT = "recurrent: its weights are used again at every time step"


def add_layer(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """Append what a layer does, its ``activation`` included.

    Parameters
    ----------
    builder
        The steps so far.
    layer
        The layer.
    inputs
        What it is called with.
    shape
        Of what it returns.
    """
    name = layer.name
    if not _is_of_keras(layer):
        note = f"what {type(layer).__name__} computes cannot be seen"
        return builder.add_unknown(name, builder.indices(inputs), shape, note)
    special = _LAYERS.get(type(layer).__name__)
    if special is not None:
        return special(builder, layer, inputs, shape)
    kind = _kind(layer)
    if kind is None:
        note = f"{type(layer).__name__} is neither a layer nor elementwise"
        return builder.add_unknown(name, builder.indices(inputs), shape, note)
    return builder.add(name, kind, builder.indices(inputs[:1] if kind in _OF_ONE else inputs), shape)


_OF_ONE = (Kind.SAME, Kind.DROPOUT)


def _is_of_keras(layer: Any) -> bool:
    return type(layer).__module__.startswith("keras.")


def _kind(layer: Any) -> Kind | None:
    """What layers without weights do that are many."""
    name = type(layer).__name__
    if "Dropout" in name or name in ("GaussianNoise", "StochasticDepth"):
        return Kind.DROPOUT if getattr(layer, "rate", 1.0) else Kind.SAME
    return Kind.SAME if name.startswith(tuple(_SAME.split())) else None


_SAME = """ActivityRegularization CenterCrop Cropping Flatten Identity Masking Normalization Permute Random
    RepeatVector Reshape Resizing UpSampling ZeroPadding"""


def _embedding(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    learned = Learned(builder.slot(own(layer, "embeddings"), outputs=(0,), inputs=(1,)))
    return builder.add(layer.name, Kind.EMBEDDING, builder.indices(inputs), shape, module=learned)


def _norm(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    kind = type(layer).__name__
    weight = own(layer, "gamma")
    learned = Learned(builder.slot(own(layer, "scale") if weight is None else weight), builder.slot(own(layer, "beta")))
    centred = kind != "RMSNormalization" and not getattr(layer, "rms_scaling", False)
    over_batch = kind == "BatchNormalization"
    return builder.add(
        layer.name,
        Kind.NORM,
        builder.indices(inputs[:1]),
        shape,
        module=learned,
        centred=centred,
        over_batch=over_batch,
    )


def _unit_norm(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """To length 1 along an axis, where a normalisation makes the mean square 1."""
    out = builder.add(layer.name, Kind.NORM, builder.indices(inputs), shape, centred=False)
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    lengths = [shape[axis] for axis in axes]
    count = prod(length for length in lengths if length is not None)
    return builder.add(f"{layer.name}/size", Kind.SCALE, (out.source,), shape, activation=scaling(count**-0.5))


def _activation(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    source = layer.activation if type(layer).__name__ == "Activation" else layer
    return builder.activated(layer.name, source, inputs[0])


def _softmax(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    return builder.add_softmax(layer.name, builder.index(inputs[0]), shape)


def _rescaling(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    try:
        line = scaling(float(layer.scale), float(layer.offset))
    except TypeError:  # one number a channel
        return builder.add(layer.name, Kind.SAME, builder.indices(inputs), shape, note="times numbers of its own")
    return builder.add(layer.name, Kind.SCALE, builder.indices(inputs), shape, activation=line)


def _scale(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """Times a learned vector, at its present size: of the models that come with Keras."""
    numbers = np.asarray(keras.ops.convert_to_numpy(layer.gamma.value), dtype=float)
    size = float(np.sqrt(np.mean(numbers**2)))
    name = builder.name_of(layer.gamma) or layer.name
    builder.uses[name] = "multiplies a signal"
    note = f"times {name}: {size:.4g} in root mean square"
    return builder.add(layer.name, Kind.SCALE, builder.indices(inputs), shape, activation=scaling(size), note=note)


def _sum(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    out = builder.add(layer.name, Kind.ADD, builder.indices(inputs), shape)
    if type(layer).__name__ != "Average":
        return out
    mean = scaling(1.0 / len(inputs))
    return builder.add(f"{layer.name}/mean", Kind.SCALE, (out.source,), shape, activation=mean)


def _joined(kind: Kind) -> Callable[[Builder, Any, Inputs, Shape], Elements]:
    return lambda builder, layer, inputs, shape: builder.add(layer.name, kind, builder.indices(inputs), shape)


def _pool(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    name, before = type(layer).__name__, inputs[0].shape
    first = layer.data_format == "channels_first"
    if name.startswith("Global"):
        lengths = list(before[2:] if first else before[1:-1])
    elif name.startswith("Adaptive"):
        spatial = zip(before[2:], shape[2:], strict=True) if first else zip(before[1:-1], shape[1:-1], strict=True)
        lengths = [None if a is None or b is None else a // b for a, b in spatial]
    else:
        lengths = list(layer.pool_size)
    terms = None if any(length is None for length in lengths) else prod(int(length) for length in lengths if length)
    details = {"terms": terms, "largest": "Max" in name}
    return builder.add(layer.name, Kind.POOL, builder.indices(inputs), shape, **details)


def _multi_head(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """Called with queries, values and perhaps keys; those are the values where they are left out."""
    query, value, key = (*inputs, inputs[-1])[:3] if len(inputs) > 2 else (inputs[0], inputs[-1], inputs[-1])
    sources = ((layer._query_dense, query), (layer._key_dense, key), (layer._value_dense, value))
    projected = [_projection(builder, layer, dense, x) for dense, x in sources]
    taken = [each.source for each in projected]
    mixed = builder.add(layer.name, Kind.ATTENTION, taken, projected[0].shape, terms=_tokens(key.shape))
    return _projection(builder, layer, layer._output_dense, mixed, shape)


def _projection(builder: Builder, layer: Any, dense: Any, x: Elements, shape: Shape | None = None) -> Elements:
    """One of the dense layers in attention; its name within the attention's."""
    heads = own(dense, "kernel").shape[-2:]
    shape = (*x.shape[:-1], *heads) if shape is None else shape
    return einsum(builder, dense, (x,), shape, f"{layer.name}/{dense.name}")


def _tokens(shape: Shape) -> int | None:
    return None if len(shape) < 3 else shape[1]


def _attention(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """Without projections: queries, values and perhaps keys."""
    query, value, key = (*inputs, inputs[-1])[:3] if len(inputs) > 2 else (inputs[0], inputs[-1], inputs[-1])
    queries = builder.index(query)
    width = query.shape[-1]
    if not layer.use_scale and width:  # attention is over the root of the width, which this one is not
        line = scaling(sqrt(width))
        queries = builder.add(f"{layer.name}/scores", Kind.SCALE, (queries,), query.shape, activation=line).source
    taken = (queries, builder.index(key), builder.index(value))
    return builder.add(layer.name, Kind.ATTENTION, taken, shape, terms=_tokens(key.shape))


def _recurrent(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    return builder.add(layer.name, Kind.UNKNOWN, builder.indices(inputs), shape, note=_WHY_RECURRENT)


def _wrapped(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """One layer at every position."""
    return add_layer(builder, layer.layer, inputs, shape)


_Maker = Callable[[Builder, Any, Inputs, Shape], Elements]
_LAYERS: Mapping[str, _Maker] = {
    "Dense": dense,
    "EinsumDense": einsum,
    "Embedding": _embedding,
    "MultiHeadAttention": _multi_head,
    "GroupQueryAttention": _multi_head,
    "Attention": _attention,
    "Rescaling": _rescaling,
    "LayerScale": _scale,
    "Softmax": _softmax,
    "TimeDistributed": _wrapped,
    "UnitNormalization": _unit_norm,
    "Add": _sum,
    "Subtract": _sum,
    "Average": _sum,
    "Multiply": _joined(Kind.MULTIPLY),
    "Concatenate": _joined(Kind.CONCATENATE),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), convolution),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), transposed),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), separable),
    **dict.fromkeys(("BatchNormalization", "LayerNormalization", "RMSNormalization", "GroupNormalization"), _norm),
    **dict.fromkeys(("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU"), _activation),
    **{f"{which}Pooling{n}D": _pool for which in ("Average", "Max") for n in (1, 2, 3)},
    **{f"Global{which}Pooling{n}D": _pool for which in ("Average", "Max") for n in (1, 2, 3)},
    **{f"Adaptive{which}Pooling{n}D": _pool for which in ("Average", "Max") for n in (1, 2, 3)},
    **dict.fromkeys(_RECURRENT, _recurrent),
}
