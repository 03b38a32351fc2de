"""Every driver against every fault of its simulator, over real sockets and pseudo-terminals.

Kind: fault. Never a wrong value, always a named error in bounded time, and recovery once the fault is gone.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from meterbench.errors import BenchError, InstrumentError
from meterbench.instruments.drivers import DRIVERS, WITHOUT_A_WIRE
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links import serial_link
from meterbench.instruments.links.loop_thread import LoopThread
from tests.instruments.subjects import MakeSubject, Subject

HERE = Path(__file__).parent
ON_THE_WIRE = [kind for kind in FaultKind if kind is not FaultKind.DRIFT]
"""A drift shows nowhere on the wire: what sees the same thing is compared (tests/bench/test_cross_check.py)."""
GARBLED = 24
"""So many garbled answers a driver, spread over its question: 3 to 12 of each."""
LATE_BEYOND_S = 0.2
"""Beyond the deadlines of all subjects' links: 0.12 s."""
LATE_WITHIN_S = 0.02


def _makers() -> dict[str, MakeSubject]:
    """``<driver>_subject.py`` beside each driver's tests."""
    makers: dict[str, MakeSubject] = {}
    for path in sorted(HERE.glob("*/*_subject.py")):
        spec = importlib.util.spec_from_file_location(f"tests.instruments.{path.parent.name}.{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        makers[path.stem.removesuffix("_subject")] = module.make
    return makers


MAKERS = _makers()


@pytest.fixture
def subject(
    request: pytest.FixtureRequest, loop_thread: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Subject]:
    monkeypatch.setattr(serial_link, "REOPEN_AFTER_S", 0.0)  # on loopback everybody notices at once
    with MAKERS[request.param](loop_thread) as made:
        yield made


every_driver = pytest.mark.parametrize("subject", MAKERS, indirect=True)


def test_no_driver_is_left_out() -> None:
    """Each driver that a station file may name has a subject, but for those without a wire."""
    assert set(DRIVERS) - set(MAKERS) - WITHOUT_A_WIRE == set()


@every_driver
def test_without_a_fault_the_answer_is_right(subject: Subject) -> None:
    """The subject itself is sound: right now, wrong after a change, right again when asked again."""
    before = ask(subject)
    assert subject.right(before)
    subject.change()
    assert not subject.right(before), "a stale answer would go unnoticed"
    assert subject.right(ask(subject))


@every_driver
def test_faults_strike_at_every_answer(subject: Subject) -> None:
    """The subject knows how many answers its question takes: none is left out below."""
    ask(subject)
    before = subject.faults._answers
    ask(subject)
    assert subject.faults._answers - before == subject.answers


@every_driver
@pytest.mark.parametrize("kind", ON_THE_WIRE)
def test_never_wrong_named_in_time_and_recovered(subject: Subject, kind: FaultKind) -> None:
    """Wherever in the exchange the fault strikes, with several seeds where chance plays a part."""
    if kind in subject.cannot:
        pytest.skip(f"{kind}: {subject.cannot[kind]}")
    if kind is FaultKind.DIE:
        die(subject)
        return
    for after in range(subject.answers):
        for fault in variants(kind, after, subject.answers):
            named = strike(subject, fault)
            if kind is FaultKind.QUEUE and after not in subject.cleared_at:
                assert named or outcome(subject)[1], f"{fault}: nobody has looked at its own errors"
            recover(subject)


def variants(kind: FaultKind, after: int, answers: int) -> list[Fault]:
    if kind is FaultKind.LATE:
        return [Fault(kind, after, delay_s=delay_s) for delay_s in (LATE_WITHIN_S, LATE_BEYOND_S)]
    if kind is FaultKind.SATURATE:
        return [Fault(kind, after, count=20)] if after == 0 else []  # for the whole question
    if kind is FaultKind.GARBLE:
        return [Fault(kind, after)] * min(max(GARBLED // answers, 3), 12)
    return [Fault(kind, after)]


def strike(subject: Subject, fault: Fault) -> bool:
    """Ask once while the fault is committed; True if that was an error."""
    subject.faults.add(fault)
    answer, error = outcome(subject)
    subject.faults.clear()
    if error is None:
        assert subject.right(answer), f"{fault}: {answer!r} was taken"
        assert fault.kind is not FaultKind.SATURATE, f"{answer!r} although the input is saturated"
    else:
        assert subject.instrument.role in str(error), f"who? {error}"
        assert fault.kind is not FaultKind.SATURATE or isinstance(error, InstrumentError), error
    return error is not None


def recover(subject: Subject) -> None:
    """With another truth, so that a stale answer shows; three questions at most until it is all right again."""
    subject.change()
    for attempt in range(3):
        answer, error = outcome(subject)
        if error is None:
            assert subject.right(answer), f"{answer!r} is stale"
            return
        assert attempt < 2, f"no recovery: {error}"


def outcome(subject: Subject) -> tuple[object, BenchError | None]:
    """What was answered, or the error instead."""
    try:
        return ask(subject), None
    except BenchError as error:
        return None, error


def die(subject: Subject) -> None:
    """Gone for good: a named error now, and on each further attempt."""
    subject.faults.add(Fault(FaultKind.DIE, count=-1))
    for _ in range(2):
        with pytest.raises(BenchError, match=subject.instrument.role):
            ask(subject)


def ask(subject: Subject) -> object:
    """Within the deadline, whatever comes."""
    start_s = time.monotonic()
    try:
        return subject.ask()
    finally:
        took_s = time.monotonic() - start_s
        assert took_s < subject.deadline_s, f"it took {took_s:.2f} s; {subject.deadline_s:g} s allowed"
