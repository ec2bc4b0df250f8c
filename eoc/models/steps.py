"""The steps of a model: what it does to its input, one operation after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from eoc.activations import Activation

__all__ = ["Affine", "Gate", "Kind", "Reading", "Recurrence", "Step", "needed"]


class Kind(StrEnum):
    """What a step does."""

    INPUT = "input"  #: data that the model is called with
    PARAMETER = "parameter"  #: a learned tensor that is taken like a signal: a class token, queries
    EMBEDDING = "embedding"  #: looks up rows of a table
    RECURRENT = "recurrent"  #: a layer of a recurrent network: its weights are used again at every time step
    LAYER = "layer"  #: an affine map: Linear, convolutions, the projections of attention
    ACTIVATION = "activation"  #: a function of one number, applied to every element
    SCALE = "scaling"  #: times a fixed number, perhaps plus another: an activation that is a straight line
    NORM = "normalisation"  #: batch, layer, group, instance or root-mean-square normalisation
    ADD = "addition"  #: the sum of two or more earlier steps: where residual branches end
    MULTIPLY = "multiplication"  #: the product of two earlier steps, gates, or of one and numbers of unknown size
    CONCATENATE = "concatenation"  #: earlier steps side by side
    ATTENTION = "attention"  #: means of the values, its last input, weighted by queries, keys and perhaps others
    POOL = "pooling"  #: means or largest values over positions
    DROPOUT = "dropout"  #: random zeros
    SAME = "reshaping"  #: the same numbers in another shape, or some of them
    UNKNOWN = "unknown"  #: anything else
    OUTPUT = "output"  #: what the model returns


@dataclass(frozen=True)
class Affine:
    """The parameters of one affine map.

    Attributes
    ----------
    weight, bias
        Tensors: whole parameters, or views of parts of one (the rows of a packed projection). ``bias`` may be None.
    weight_name, bias_name
        The names of the parameters that they are, or are part of, in ``model.named_parameters()``.
    part
        Which part: "" for a whole parameter, else for example "rows 0 to 63".
    fan_in
        How many terms each output sums: with groups, kernels and the strides of transposed convolutions counted.
    groups
        Of a convolution, else 1.
    transposed
        Whether the weight has its inputs first, as transposed convolutions do.
    assign
        What sets the weight where it is computed from other parameters (parametrisations, weight_norm), given the
        values that it is to have; None where the tensor itself is written.
    fixed
        Why nothing sets the weight: it is no parameter, or its size is kept by what computes it; "" for others. Then
        ``weight`` is what it is now.
    sources
        The names of all parameters that a weight is computed from; () where it is one itself.
    centred
        Whether the weights of each output add up to 0, as of standardised filters: the mean of what the layer takes in
        is lost.
    """

    weight: Any
    bias: Any
    weight_name: str
    bias_name: str
    part: str
    fan_in: float
    groups: int = 1
    transposed: bool = False
    assign: Callable[[Any], None] | None = None
    fixed: str = ""
    sources: tuple[str, ...] = ()
    centred: bool = False


@dataclass(frozen=True)
class Gate:
    """One of the pre-activations of a recurrent cell: W h + V s and their biases.

    Attributes
    ----------
    name
        "i", "f", "g" and "o" of an LSTM; "r", "z" and "n" of a GRU; "h" of others.
    inputs, recurrent
        V and W.
    """

    name: str
    inputs: Affine
    recurrent: Affine


@dataclass(frozen=True)
class Recurrence:
    """What a recurrent layer is made of.

    Attributes
    ----------
    cell
        Of :data:`eoc.recurrence.steps.STEPS`.
    directions
        The gates of each way through the sequence: one, or forward and backward.
    projections
        Of each way, what makes h of a larger one; () where nothing does.
    hidden
        The units of h.
    times
        The steps of the sequences; None where they are not known.
    first
        Whether the batch comes first, and then time.
    dropout
        The rate behind it, if it is on.
    state
        Of a step that goes on with a state of an earlier one: its place among the inputs; None where states begin at 0.
    """

    cell: str
    directions: tuple[tuple[Gate, ...], ...]
    projections: tuple[Affine, ...]
    hidden: int
    times: int | None
    first: bool = False
    dropout: float = 0.0
    state: int | None = None

    @property
    def affines(self) -> tuple[Affine, ...]:
        """All of its affine maps."""
        own = [part for way in self.directions for gate in way for part in (gate.inputs, gate.recurrent)]
        return (*own, *self.projections)


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes
    ----------
    name
        The module's qualified name, "blocks.0.fc1"; for a function the name of its node in the graph.
    kind
        What it does.
    inputs
        The indices of the steps that it takes, all smaller than its own.
    module
        The module that does it; None for a function.
    affine
        Of a layer: its parameters.
    activation
        Of an activation: which.
    mixture
        Of an activation whose parameters differ by channel: those that there are, each with its share of the channels;
        ``activation`` is then one for all of them. () for others.
    note
        What a reader should know: why a step is unknown, what was assumed.
    shape
        Of its output, for the example inputs, the number of inputs first; () where that is not known.
    terms
        Of pooling, how many positions each output is made of; of attention, how many tokens; None where not known.
    causal
        Of attention: whether each token sees itself and those before it alone.
    sharpness
        Of attention: what products of queries and keys are multiplied by, times the root of how many numbers those
        have; 1 as usual.
    largest
        Of pooling: whether it takes the largest of them, instead of their mean.
    centred
        Of a normalisation: whether it takes away the mean (not RMS normalisation).
    over_batch
        Of a normalisation: whether its means are over the inputs too, as of batch normalisation in training.
    piece
        Of reshaping: which of several pieces that share no units; None for all that it takes in.
    tensor
        Of a parameter: its values. Of a scaling by a tensor: that.
    recurrence
        Of a recurrent layer: what it is made of.
    """

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    module: Any = None
    affine: Affine | None = None
    activation: Activation | None = None
    mixture: tuple[tuple[Activation, float], ...] = ()
    note: str = ""
    shape: tuple[int, ...] = ()
    terms: int | None = None
    causal: bool = False
    sharpness: float = 1.0
    largest: bool = False
    centred: bool = True
    over_batch: bool = False
    piece: int | None = None
    tensor: Any = None
    recurrence: Recurrence | None = None

    @property
    def slope(self) -> float:
        """What a scaling multiplies by; 1 for other steps."""
        if self.kind is not Kind.SCALE or self.activation is None:
            return 1.0
        return float(self.activation(1.0)) - float(self.activation(0.0))


@dataclass(frozen=True)
class Reading:
    """A model as steps, in an order in which they can be computed.

    Attributes
    ----------
    steps
        All of them; the first are inputs.
    traced
        Whether they were read off the computation itself (torch.fx). If not, they follow the order in which modules
        were defined, as if each took the output of the one before.
    problem
        Why the model could not be traced; "" if it was.
    uses
        What is done with parameters that are arguments of functions, by name: "is added to a signal".
    """

    steps: tuple[Step, ...]
    traced: bool
    problem: str = ""
    uses: Mapping[str, str] = field(default_factory=dict)


def needed(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps that the last one depends on, in the same order.

    Examples
    --------
    >>> steps = [Step("x", Kind.INPUT, ()), Step("unused", Kind.SAME, (0,)), Step("output", Kind.OUTPUT, (0,))]
    >>> [(step.name, step.inputs) for step in needed(steps)]
    [('x', ()), ('output', (0,))]
    """
    used = {len(steps) - 1}
    for at in range(len(steps) - 1, -1, -1):
        used |= set(steps[at].inputs) if at in used else set()
    places = {at: place for place, at in enumerate(sorted(used))}
    return tuple(replace(steps[at], inputs=tuple(places[one] for one in steps[at].inputs)) for at in sorted(used))
