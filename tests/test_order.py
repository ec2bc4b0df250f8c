"""One order of the two standard deviations: sigma_w, then sigma_b, or names where they could be swapped unseen."""

import inspect
from itertools import chain

import pytest

import eoc
from eoc import criticality, phase, propagation
from eoc.plotting import network_name

PUBLIC = {id(getattr(m, n)): getattr(m, n) for m in (eoc, criticality, phase, propagation) for n in m.__all__}.values()

THINGS = [t for t in PUBLIC if inspect.isfunction(t) or (inspect.isclass(t) and not issubclass(t, BaseException))]


def signatures(thing):
    """Of a function, or of a class and its methods."""
    methods = (f for f in vars(thing).values() if inspect.isfunction(f)) if inspect.isclass(thing) else ()
    return [inspect.signature(f) for f in chain([thing], methods)]


@pytest.mark.parametrize("thing", THINGS, ids=lambda t: t.__name__)
def test_sigma_w_comes_before_sigma_b_or_both_are_named(thing):
    for signature in signatures(thing):
        free = [p.name for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
        if {"sigma_w", "sigma_b"} <= set(free):
            assert free.index("sigma_w") < free.index("sigma_b"), (thing, signature)


def test_results_show_sigma_w_first_and_take_no_values_without_names():
    point = eoc.edge_of_chaos("tanh", sigma_b=0.2).best
    for shown in (repr(point), repr(eoc.curve("tanh", 1.0)), network_name("tanh", 1.3, 0.2)):
        assert 0 < shown.index("sigma_w") < shown.index("sigma_b")
    with pytest.raises(TypeError, match="positional"):
        eoc.Curve(1.0, 0.2, 1.3, 0.5)
