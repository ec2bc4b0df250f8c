"""What threads and processes share: many of them, one activation that nobody has used yet, the same bits as one."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import eoc
from eoc.activations.base import Activation
from eoc.activations.formula import parse
from eoc.activations.function import from_callable
from eoc.gaussian.quartic import fourth_moments
from eoc.sharing import Lock, Memory, once

THREADS = 8


@pytest.fixture(autouse=True)
def _tiny_switch_interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def at_once(task: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What ``task(number of the thread)`` returns in each of several threads that begin together."""
    found: list[Any] = [None] * threads
    together = threading.Barrier(threads)

    def run(i: int) -> None:
        together.wait()
        try:
            found[i] = task(i)
        except Exception as error:
            found[i] = error

    running = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60.0)
    assert not any(thread.is_alive() for thread in running), "threads wait for each other"
    return found


def bits(estimates: dict[str, Any]) -> list[bytes]:
    return [part.tobytes() for e in estimates.values() for part in (e.value, e.error)]


def jobs(phi: Activation, everything: bool) -> list[Callable[[], Any]]:
    """Questions whose answers compare by their bits, of all kinds or of those that fill the tables below."""

    def diagram() -> list[bytes]:
        found = eoc.phase_diagram(phi, [0.9, 1.4], [0.0, 0.3])
        return [array.values.tobytes() for array in found.data_vars.values()]

    below = [
        *(lambda q=q: bits(eoc.moments(phi, q, ("M", "V", "D", "gap", "excess"))) for q in np.geomspace(0.01, 99.0, 9)),
        lambda: bits(fourth_moments(phi, np.geomspace(0.1, 10.0, 4))),
        lambda: bits(eoc.bivariate(phi, 1.7, [0.1, 0.9])),
    ]
    above = [
        lambda: repr(eoc.CorrelationMap(phi, sigma_w=1.4, sigma_b=0.2, q=1.7).fixed_points),
        lambda: repr(eoc.edge_of_chaos(phi, sigma_b=0.2).points),
        diagram,
    ]
    return below + above if everything else below


def answers(questions: list[Callable[[], Any]], order: Any) -> dict[int, Any]:
    return {int(i): questions[i]() for i in order}


@pytest.mark.parametrize(
    ("make", "everything"),
    [
        pytest.param(lambda: parse("tanh(x*1.001)"), True, id="formula"),
        pytest.param(lambda: parse("x - tanh(x)"), False, id="multiprecision"),
        pytest.param(lambda: from_callable(np.arctan), False, id="function"),
    ],
)
def test_threads_that_share_a_new_activation_get_what_one_thread_gets(
    make: Callable[[], Activation], everything: bool
) -> None:
    shared, own = jobs(make(), everything), jobs(make(), everything)
    alone = answers(own, range(len(own)))
    orders = [np.random.default_rng(i).permutation(len(own)) for i in range(THREADS)]
    for found in at_once(lambda i: answers(shared, orders[i])):
        assert found == alone


def test_octaves_that_threads_build_are_those_that_one_builds() -> None:
    q = np.geomspace(1e-3, 1e3, 40)
    text = "tanh(x*1.001)"
    alone = bits(eoc.moments(parse(text), q, ("V",)))
    for _ in range(4):
        phi = parse(text)

        def one_by_one(i: int, phi: Activation = phi) -> list[bytes]:
            for k in np.random.default_rng(i).permutation(q.size):
                eoc.moments(phi, q[k], ("V",))
            return bits(eoc.moments(phi, q, ("V",)))

        assert at_once(one_by_one) == [alone] * THREADS


def test_the_value_in_the_issue() -> None:
    phi = parse("tanh(x*1.001)")
    for found in at_once(lambda _: float(eoc.moments(phi, 64.49, ("V",))["V"].value)):
        assert found == pytest.approx(0.9013666983791264, rel=1e-14)


def test_each_value_is_computed_once() -> None:
    calls: list[int] = []

    @once()
    def made(n: int) -> object:
        calls.append(n)
        return object()

    assert len(set(at_once(lambda _: made(1)))) == 1
    assert calls == [1]
    assert len(set(at_once(lambda _: eoc.activation("tanh(1.0017*x)")))) == 1


def test_only_the_newest_values_of_a_kind_stay() -> None:
    memory = Memory()
    for kind in ("a", "b"):
        for n in range(5):
            memory.get((kind, n), lambda n=n: n, most=2)  # type: ignore[misc]
    assert memory.get(("a", 4), lambda: -1) == 4
    assert memory.get(("a", 2), lambda: -1) == -1
    assert memory.get(("b", 3), lambda: -1) == 3


def test_what_fails_or_is_interrupted_is_computed_again() -> None:
    memory = Memory()

    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.get(("key",), interrupted)
    assert at_once(lambda _: memory.get(("key",), lambda: 3)) == [3] * THREADS


@pytest.mark.parametrize("name", ["tanh", "elu(alpha=0.5)", "era(b=0.5, c=(0,), d=(-0.5,))", "x*tanh(x)"])
def test_copies_and_pickles_of_activations_are_the_activation(name: str) -> None:
    phi = eoc.activation(name)
    eoc.moments(phi, 1.0)
    assert copy.copy(phi) is copy.deepcopy(phi) is pickle.loads(pickle.dumps(phi)) is phi


def test_activations_of_python_functions_are_pickled_with_the_function() -> None:
    phi = from_callable(np.arctan, name="mine")
    again = pickle.loads(pickle.dumps(phi))
    assert again.name == "mine"
    assert again([0.3, -5.0]).tolist() == phi([0.3, -5.0]).tolist()
    bare = Activation("bare", "x", phi.pieces)
    with pytest.raises(TypeError, match="bare cannot be pickled"):
        pickle.dumps(bare)


def _in_child(phi: Activation, pipe: Any) -> None:
    pipe.send(bits(eoc.moments(phi, 0.7, ("V",))))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")  # of JAX
def test_a_fork_while_another_thread_builds_does_not_stop_the_child() -> None:
    phi, building, done = parse("tanh(x*1.003)"), threading.Event(), threading.Event()

    def hold() -> None:
        with phi.cache.lock:
            building.set()
            done.wait(60.0)

    thread = threading.Thread(target=hold)
    thread.start()
    building.wait()
    gc.collect()
    here, there = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_in_child, args=(phi, there))
    child.start()
    try:
        assert here.poll(60.0), "the child waits for a thread that it does not have"
        found = here.recv()
    finally:
        done.set()
        child.kill()
        child.join()
        thread.join()
    assert found == bits(eoc.moments(phi, 0.7, ("V",)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")  # of JAX
def test_a_fork_within_a_lock_leaves_it_to_the_thread_that_has_it() -> None:
    lock = Lock()
    with lock:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with lock:
                    pass
                code = 0
            finally:
                os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_maps_that_are_sent_to_another_process_say_the_same() -> None:
    f = eoc.CorrelationMap("tanh", sigma_w=1.4, sigma_b=0.2, q=1.7)
    again = pickle.loads(pickle.dumps(f))
    assert again.activation is f.activation
    assert again([0.1, 0.9]).tolist() == f([0.1, 0.9]).tolist()
