"""By which rule each layer of a model is drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from textwrap import fill

from eoc.activations import Activation
from eoc.initializers.plan.structure import Structure
from eoc.models.steps import Kind

__all__ = ["RULES", "Role", "Rule", "explained", "role"]

PRINCIPLE = """\
Every layer is drawn so that the pre-activations it feeds have the variance q of the activation that follows: weights
N(0, (q - sigma_b^2) / (power fan_in)), biases N(0, sigma_b^2). The power, the mean square of what a layer takes in, is
followed through the model. In a chain of one activation this is sigma_w^2 / fan_in."""


class Rule(StrEnum):
    """The rules, see :data:`RULES`; and what was left as it is."""

    HIDDEN = "hidden"
    ONCE = "once"
    NORMALISED = "normalised"
    LINEAR = "linear"
    GATE = "gate"
    HEAD = "head"
    BRANCH = "branch"
    FIRST = "first"
    INPUTS = "inputs"
    RECURRENT = "recurrent"
    EMBEDDING = "embedding"
    NORMALISATION = "normalisation"
    LEFT = "left"


#: What each rule is for, and what it does.
RULES: Mapping[Rule, str] = {
    Rule.HIDDEN: "an activation comes next: (sigma_w, sigma_b, q) is its point, see below",
    Rule.ONCE: """\
one activation comes next whose map is not iterated, the last of a chain, or behind a normalisation in a residual
branch: q = 1, or less if it is steep, biases 0""",
    Rule.NORMALISED: "a normalisation comes next: q = 1, biases 0; the scale does not matter forward",
    Rule.LINEAR: "a layer or attention comes next: keeps the power, biases 0",
    Rule.GATE: """\
a product comes next, perhaps after an activation: q = 1, biases 0; of more than three products in a row biases have the
share of q with which these keep variances""",
    Rule.HEAD: "the output comes next: q = output_variance, biases 0",
    Rule.BRANCH: """\
ends one of the n residual branches: adds 1/n of the power of its trunk, or less where the model scales it down itself.
The trunk grows by at most e = 2.72 over all of them. Biases are 0; if an activation ends the branch, weights and biases
are those of its point times one factor""",
    Rule.FIRST: """\
takes in coordinates, up to three numbers: q = 1 at least, of which the biases have the share of one more coordinate;
before sin(w x) std 1 / (sqrt(3) fan_in), biases 0, whose uniform law is that of SIREN: w sets the frequencies""",
    Rule.INPUTS: """\
of a recurrent layer, on what it takes in: gates see the variance 1 of it, pre-activations of plain tanh cells 0.05""",
    Rule.RECURRENT: """\
of a recurrent layer, on its own states: orthogonal for each gate, of sigma_w 1; of plain tanh cells 1.327, where
chi = 1. Biases 0, but of forget and update gates: for sequences of a known length T log 1 to log(T - 1), so
that units remember for 2 to T steps, with minus those in the input gates of an LSTM; else 1""",
    Rule.EMBEDDING: """\
table N(0, 1 / dimension) where a normalisation comes next; as large as its layer needs it, if it, or one that it is
added to, is also the weight of a layer; N(0, input_variance) elsewhere""",
    Rule.NORMALISATION: "weights 1, biases 0: power 1",
}

_WIDTH = 118
_INDENT = 17


def explained(used: Collection[str]) -> str:
    """The principle, and the rules that were used.

    Examples
    --------
    >>> print(explained({"head"}).splitlines()[-1])
      head           the output comes next: q = output_variance, biases 0
    """
    lines = [f"  {rule:{_INDENT - 2}}{what}" for rule, what in RULES.items() if rule in used]
    return "\n".join([PRINCIPLE, *(fill(line, _WIDTH, subsequent_indent=" " * _INDENT) for line in lines)])


@dataclass(frozen=True)
class Role:
    """Which rule, and what decided it.

    Attributes
    ----------
    rule
        The rule.
    next
        The step that decided; None if the output is not used.
    activation
        The activation that follows; None if none does.
    note
        What a reader should know.
    """

    rule: Rule
    next: int | None = None
    activation: Activation | None = None
    note: str = ""


def role(model: Structure, at: int) -> Role:
    """The rule for the layer at a step, as if it ended no residual branch: by what follows first.

    An activation that only the output follows, and that no layer before has, belongs to the output (a sigmoid that
    makes probabilities): the layer is a head.
    """
    ends = model.follows(at)
    if not ends:
        return Role(Rule.LINEAR, note="its output is not used")
    first = model.steps[ends[0]]
    if first.kind is Kind.ACTIVATION and first.activation is not None:
        others = {model.steps[end].activation for end in ends[1:]} - {first.activation, None}
        note = f"also feeds {', '.join(sorted(phi.name for phi in others if phi is not None))}" if others else ""
        return Role(_before_activation(model, ends[0], first.activation), ends[0], first.activation, note)
    if first.kind is Kind.UNKNOWN:
        last = _is_last(model, ends[0])
        note = "" if last else f"feeds {first.name}, which is unknown"
        return Role(Rule.HEAD if last else Rule.LINEAR, ends[0], note=note)
    gated = first.kind is Kind.MULTIPLY and len(first.inputs) > 1
    return Role(Rule.GATE if gated else _BEFORE.get(first.kind, Rule.LINEAR), ends[0])


_BEFORE = {Kind.NORM: Rule.NORMALISED, Kind.OUTPUT: Rule.HEAD}


def _before_activation(model: Structure, at: int, phi: Activation) -> Rule:
    after = model.follows(at)
    if after and model.steps[after[0]].kind is Kind.MULTIPLY:
        return Rule.GATE
    if model.continues[at]:
        return Rule.HIDDEN
    inner = {step.activation for step, continues in zip(model.steps, model.continues, strict=True) if continues}
    return Rule.HIDDEN if phi in inner or inner <= {None} else Rule.HEAD


def _is_last(model: Structure, at: int) -> bool:
    """Whether no weights come at or after a step: a softmax, say."""
    module = model.steps[at].module
    return not model.continues[at] and (module is None or not any(True for _ in module.parameters()))
