"""The Run: what must never be PASS, what is the worst of what, and what an interruption leaves."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import journal, record
from meterbench.bench.record import Condition
from meterbench.bench.run import Run, Subject
from meterbench.bench.verdict import Verdict
from meterbench.errors import Cancelled, ConfigError, InstrumentError, RecordError
from meterbench.world.clock import VirtualClock

OPENED: dict[str, Any] = {
    "programme": "initial-verification",
    "edition": {"id": "2014"},
    "settings": {},
    "software": {"version": "0.1.0"},
    "station": {"name": "test"},
    "batch": [{"serial": "1"}],
    "instruments": [],
    "reference": {},
}
WHERE = Subject("initial-verification", "10", "ADR-011", "1", "Q3")
GOOD: dict[str, Any] = {
    "value": 0.5, "expanded_uncertainty": 0.3, "uncertainty_limit": 0.667, "lower": -2.0, "upper": 2.0,
}  # fmt: skip


def a_clock() -> VirtualClock:
    return VirtualClock(lambda duration_s: True)


def open_run(folder: Path, **opened: Any) -> Run:
    return Run.open(folder, a_clock(), OPENED | opened)


def measure(run: Run, **changes: Any) -> Verdict:
    arguments = GOOD | changes
    return run.measure("error_of_indication", arguments.pop("value"), "%", WHERE, **arguments)


def crash(run: Run) -> None:
    """The process ends here: nothing more is written, its lock is gone."""
    os.close(run._journal._descriptor)


def resume(folder: Path, **changed: Any) -> Run:
    return Run.resume(folder, a_clock(), OPENED | changed)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(tmp_path / "run")


@pytest.mark.parametrize("value", [0.5, 2.0, -2.0, 0.0])
def test_within_the_limits_is_pass(run: Run, value: float) -> None:
    """A value within its limits, which belong to PASS, with an uncertainty within its own, is PASS without a reason."""
    with run.step("Q3"):
        assert measure(run, value=value, expanded_uncertainty=0.667) is Verdict.PASS
    assert (run.rows[-1].verdict, run.rows[-1].reason) == ("PASS", "")
    run.conclude_meter("1", Verdict.PASS, [])
    assert run.close() is Verdict.PASS


@pytest.mark.parametrize("value", [math.nextafter(2.0, 3.0), -2.0001, 1e300])
def test_outside_the_limits_is_fail(run: Run, value: float) -> None:
    """A value beyond a limit by its last digit is FAIL, with the limits in the reason."""
    with run.step("Q3"):
        assert measure(run, value=value) is Verdict.FAIL
    assert run.rows[-1].reason.endswith("% is outside ±2 %")
    assert run.close() is Verdict.FAIL


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": None}, "no value was obtained"),
        ({"value": NAN}, "the value is nan"),
        ({"value": INF}, "the value is inf"),
        ({"value": -INF}, "the value is -inf"),
        ({"lower": None, "upper": None}, "no limit to judge by"),
        ({"expanded_uncertainty": None}, "the uncertainty is not known"),
        ({"expanded_uncertainty": NAN}, "the uncertainty is not known"),
        ({"expanded_uncertainty": INF}, "the uncertainty is not known"),
        ({"expanded_uncertainty": 0.6671}, "above the 0.667 % that the rule allows"),
        ({"invalid": ["balance has no calibration certificate"]}, "balance has no calibration certificate"),
        ({"value": 50.0, "invalid": ["the flow was unsteady"]}, "the flow was unsteady"),
        ({"value": 50.0, "expanded_uncertainty": 0.7}, "above the 0.667 %"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_invalid(run: Run, changes: dict[str, Any], reason: str) -> None:
    """Without a finite value, a limit, a known and small uncertainty or a valid bench: never PASS, and never FAIL."""
    with run.step("Q3"):
        assert measure(run, **changes) is Verdict.INVALID
    assert reason in run.rows[-1].reason
    assert run.close() is Verdict.INVALID
    assert record.load(run.folder).rows[-1].verdict == "INVALID"


@pytest.mark.parametrize(
    "changes",
    [
        {"uncertainty_limit": NAN},
        {"expanded_uncertainty": -0.1},
        {"lower": NAN},
        {"lower": None, "upper": NAN},
        {"lower": -INF, "upper": INF},
        {"lower": 2.0, "upper": -2.0},
    ],
)
def test_limits_that_cannot_be_meant_are_invalid(run: Run, changes: dict[str, Any]) -> None:
    """NaN or infinite limits, crossed limits and a negative uncertainty are the bench's fault: INVALID."""
    with run.step("Q3"):
        assert measure(run, **changes) is Verdict.INVALID
    assert run.close() is Verdict.INVALID


def test_all_reasons_are_told(run: Run) -> None:
    """A row that is INVALID for several reasons names them all."""
    with run.step("Q3"):
        measure(run, value=None, expanded_uncertainty=None, invalid=["the line leaks"])
    assert run.rows[-1].reason == "the line leaks; no value was obtained; the uncertainty is not known"


def test_one_sided_limits(run: Run) -> None:
    """With one limit only that side is judged."""
    with run.step("Q3"):
        assert measure(run, value=-50.0, lower=None, upper=0.5) is Verdict.PASS
        assert measure(run, value=0.6, lower=None, upper=0.5) is Verdict.FAIL
        assert measure(run, value=-1.0, lower=0.0, upper=None) is Verdict.FAIL


def test_a_provisional_fail_leaves_the_step_to_a_rule(run: Run) -> None:
    """A provisional FAIL is recorded as FAIL but not counted; a provisional INVALID is counted."""
    with run.step("Q3"):
        assert measure(run, value=2.5, provisional=True) is Verdict.FAIL
        measure(run)
    with run.step("Q2"):
        measure(run, value=None, provisional=True)
    assert run.finished_steps == {"Q3": "PASS", "Q2": "INVALID"}
    assert run.rows[0].verdict == "FAIL"


def test_a_provisional_fail_that_no_rule_concludes_is_not_pass(run: Run) -> None:
    """If nothing is concluded on the meter, its provisional FAIL must not end in a run that is PASS."""
    with run.step("Q3"):
        measure(run)
        measure(run, value=2.5, provisional=True)
    assert run.close() is not Verdict.PASS


@pytest.mark.parametrize("first", [Verdict.PASS, Verdict.INVALID, Verdict.FAIL])
def test_a_run_takes_the_worst_of_its_steps_and_meters(run: Run, first: Verdict) -> None:
    """Steps and conclusions on meters count alike; the worst is the run's, and its exit status follows."""
    with run.step("Q3"):
        measure(run)
    run.conclude_meter("1", first, [])
    assert run.verdict is first
    assert run.close() is first
    closed = record.load(run.folder).closed
    assert closed
    assert (closed["verdict"], closed["exit_status"]) == (first.name, {"PASS": 0, "FAIL": 1}.get(first.name, 3))


def test_a_step_without_results_spoils_a_pass(run: Run) -> None:
    """A step in which nothing was judged was not run: reported results and readings alone don't make a PASS."""
    with run.step("Q3"):
        measure(run)
    with run.step("Q2"):
        run.report("actual_volume", 10.0, "L", WHERE)
        run.reading("balance", "mass_start", 1.0, "g")
    run.conclude_meter("1", Verdict.PASS, [])
    assert run.finished_steps["Q2"] == "NOT_RUN"
    assert run.close() is Verdict.INVALID


@pytest.mark.parametrize(("batch", "verdict"), [([], Verdict.NOT_RUN), ([{"serial": "1"}], Verdict.NOT_RUN)])
def test_an_empty_run_is_not_pass(tmp_path: Path, batch: list[dict[str, str]], verdict: Verdict) -> None:
    """A run that did nothing is NOT_RUN, also with a meter in the line; the exit status is 3."""
    run = open_run(tmp_path / "run", batch=batch)
    assert run.close() is verdict
    closed = record.load(run.folder).closed
    assert closed
    assert closed["exit_status"] == 3


def test_a_meter_without_a_conclusion_spoils_a_pass(tmp_path: Path) -> None:
    """A batch of two of which one was concluded is not PASS: what was not measured cannot pass."""
    run = open_run(tmp_path / "run", batch=[{"serial": "1"}, {"serial": "2"}])
    with run.step("Q3"):
        measure(run)
    run.conclude_meter("1", Verdict.PASS, [])
    assert run.close() is not Verdict.PASS


def test_nothing_lowers_a_conclusion(run: Run) -> None:
    """A meter concluded FAIL, or a step that ended in FAIL, stays so if it is concluded or run again."""
    run.conclude_meter("1", Verdict.FAIL, ["Q3: +2.500 %"])
    run.conclude_meter("1", Verdict.PASS, [])
    assert run.verdict is Verdict.FAIL
    assert [(each.meter, each.verdict) for each in record.load(run.folder).meter_verdicts] == [("1", "FAIL")]


def test_a_step_that_is_run_again_stays_as_bad(run: Run) -> None:
    """The second time a step is run does not wipe out its first verdict."""
    for value in (2.5, 0.5):
        with run.step("Q3"):
            measure(run, value=value)
    assert run.verdict is Verdict.FAIL


def test_a_step_that_broke_off_is_not_forgotten(run: Run) -> None:
    """Somebody who swallows a step's exception and goes on does not get a PASS."""
    with run.step("Q3"):
        measure(run)
    with pytest.raises(InstrumentError), run.step("Q2"):
        raise InstrumentError("balance: overload")
    assert not run.finished("Q2")
    run.conclude_meter("1", Verdict.PASS, [])
    assert run.close() is not Verdict.PASS


def test_steps_do_not_nest(run: Run) -> None:
    """A step inside a step is a fault of the programme; after a step that broke off the next one may begin."""
    with pytest.raises(RuntimeError, match="inside step Q3"), run.step("Q3"), run.step("Q2"):
        pass
    with run.step("Q2"):
        measure(run)
    assert run.finished("Q2")


def test_a_condition_that_was_not_met_spoils_the_step(run: Run) -> None:
    """A condition out of its window makes its step INVALID, however good the results."""
    with run.step("Q3"):
        measure(run)
        run.condition(Condition("", "water temperature", "°C", 31.0, 31.2, 10.0, 30.0, False, "10.1", ""))
    assert run.close() is Verdict.INVALID
    assert record.load(run.folder).conditions[0].step == "Q3"


@pytest.mark.parametrize(
    ("error", "verdict", "exit_status", "text"),
    [
        (Cancelled("the operator stopped the run"), "ABORTED", 130, "stopped: the operator stopped the run"),
        (InstrumentError("balance: overload"), "ERROR", 3, "balance: overload"),
        (ZeroDivisionError("division by zero"), "ERROR", 3, "unexpected ZeroDivisionError: division by zero"),
    ],
)
def test_an_abandoned_run_says_why(run: Run, error: BaseException, verdict: str, exit_status: int, text: str) -> None:
    """Cancelled is ABORTED, any other exception ERROR; a PASS or FAIL before it doesn't show through."""
    with run.step("Q3"):
        measure(run, value=2.5)
    run.abandon(error)
    assert run.close().name == verdict
    closed = record.load(run.folder).closed
    assert closed
    assert (closed["verdict"], closed["exit_status"], closed["reasons"]) == (verdict, exit_status, [text])


def test_an_error_is_not_lowered_by_a_later_stop(run: Run) -> None:
    """ERROR and then ABORTED is ERROR, with both reasons."""
    run.abandon(InstrumentError("balance: overload"))
    run.abandon(Cancelled("stop"))
    assert run.close() is Verdict.ERROR


def test_closing_twice_writes_once(run: Run) -> None:
    """The second close gives the same verdict and no second line; a result after it is refused."""
    with run.step("Q3"):
        measure(run)
    run.conclude_meter("1", Verdict.PASS, [])
    assert (run.close(), run.close()) == (Verdict.PASS, Verdict.PASS)
    assert [line["kind"] for line in journal.read(run.folder)].count("run_closed") == 1
    with pytest.raises(RecordError, match="closed"):
        measure(run)
    assert len(run.rows) == 1


def test_every_line_is_durable_and_observed(tmp_path: Path) -> None:
    """A result is in the file when ``measure`` returns; observers are told every line after it was written."""
    told: list[tuple[str, Mapping[str, Any]]] = []
    run = Run.open(tmp_path / "run", a_clock(), OPENED, [lambda kind, body: told.append((kind, body))])
    with run.step("Q3"):
        measure(run)
        assert record.load(run.folder).rows == tuple(run.rows)
    assert [kind for kind, _ in told] == [line["kind"] for line in journal.read(run.folder)]


# Resumption.


def interrupted(folder: Path) -> Run:
    """Q3 finished, Q2 cut off after a result far out of limits."""
    run = open_run(folder)
    with run.step("Q3"):
        measure(run)
        run.reading("balance", "actual_volume", 10.0, "L", meter="1")
    with contextlib.suppress(Cancelled), run.step("Q2"):
        run.reading("balance", "actual_volume", 99.0, "L", meter="1")
        measure(run, value=1.9)
        raise Cancelled("stop")
    return run


@pytest.mark.parametrize("how", ["killed", "aborted"])
def test_a_resumed_run_keeps_finished_steps_and_drops_abandoned_ones(tmp_path: Path, how: str) -> None:
    """What was finished stays; results and readings of the step that was cut off don't count beside its repetition."""
    cut_off = interrupted(tmp_path / "run")
    if how == "killed":
        crash(cut_off)
    else:
        cut_off.abandon(Cancelled("stop"))
        cut_off.close()
    run = resume(tmp_path / "run")
    assert (run.finished("Q3"), run.finished("Q2")) == (True, False)
    assert [row.value for row in run.rows] == [0.5]
    assert [reading["value"] for reading in run.readings] == [10.0]
    with run.step("Q2"):
        measure(run, value=0.1)
    run.conclude_meter("1", Verdict.PASS, [])
    assert run.close() is Verdict.PASS
    kept = record.load(tmp_path / "run")
    assert [row.value for row in kept.rows] == [row.value for row in run.rows] == [0.5, 0.1]
    assert [reading["value"] for reading in kept.readings] == [10.0]
    assert kept.finished_steps == {"Q3": "PASS", "Q2": "PASS"}
    assert kept.verdict is Verdict.PASS
    assert 1.9 in [line.get("value") for line in journal.read(tmp_path / "run")]


def test_a_fail_before_the_interruption_is_kept(tmp_path: Path) -> None:
    """Neither a finished step's FAIL nor a conclusion on a meter is lost by an interruption."""
    run = open_run(tmp_path / "step")
    with run.step("Q3"):
        measure(run, value=2.5)
    crash(run)
    assert resume(tmp_path / "step").close() is Verdict.FAIL
    run = open_run(tmp_path / "meter")
    with run.step("Q3"):
        measure(run, value=2.5, provisional=True)
        measure(run)
    run.conclude_meter("1", Verdict.FAIL, ["Q3: +2.500 %"])
    crash(run)
    assert resume(tmp_path / "meter").close() is Verdict.FAIL


@pytest.mark.parametrize("key", ["programme", "edition", "station", "reference", "batch", "instruments", "settings"])
def test_another_run_is_not_resumed(tmp_path: Path, key: str) -> None:
    """With another batch, programme, edition, instrument or setting it would be another run; nothing is written."""
    crash(interrupted(tmp_path))
    before = (tmp_path / journal.FILE_NAME).read_bytes()
    with pytest.raises(ConfigError, match=f"opened with another {key}"):
        resume(tmp_path, **{key: {"id": "other"}})
    assert (tmp_path / journal.FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.INVALID, Verdict.FAIL])
def test_a_concluded_run_is_not_resumed(tmp_path: Path, verdict: Verdict) -> None:
    """A record that was closed with a verdict is finished: a FAIL cannot be measured away."""
    run = open_run(tmp_path)
    run.conclude_meter("1", verdict, [])
    run.close()
    with pytest.raises(ConfigError, match="nothing to resume"):
        resume(tmp_path)


def test_a_running_run_is_not_resumed(tmp_path: Path) -> None:
    """While a run writes its record nobody else goes on with it."""
    run = interrupted(tmp_path)
    with pytest.raises(RecordError, match="another run"):
        resume(tmp_path)
    run.abandon(Cancelled("stop"))
    assert run.close() is Verdict.ABORTED


def test_a_spoiled_record_is_not_resumed(tmp_path: Path) -> None:
    """A result that was made better in the file is found before a line is added."""
    crash(interrupted(tmp_path))
    path = tmp_path / journal.FILE_NAME
    path.write_bytes(path.read_bytes().replace(b'"value":0.5', b'"value":0.4'))
    with pytest.raises(RecordError, match="changed after it was written"):
        resume(tmp_path)


def test_a_full_disk_ends_in_a_closed_record(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a result cannot be written it isn't counted; the run closes as ERROR with the reason, in the reserve."""
    with run.step("Q3"):
        measure(run)
    append = run._journal.append

    def full(kind: str, *rest: Any) -> None:
        if (run.folder / journal.RESERVE_NAME).exists():
            raise RecordError("cannot write the record: No space left on device")
        append(kind, *rest)

    monkeypatch.setattr(run._journal, "append", full)
    with pytest.raises(RecordError), run.step("Q2"):
        measure(run)
    assert len(run.rows) == 1
    assert run.close() is Verdict.ERROR
    closed = record.load(run.folder).closed
    assert closed
    assert closed["reasons"][-1] == "cannot write the record: No space left on device"


@pytest.mark.parametrize("error", [Cancelled("SIGINT"), InstrumentError("balance: overload")])
def test_a_run_that_broke_off_leaves_its_questions_open(tmp_path: Path, error: BaseException) -> None:
    """A provisional FAIL is not concluded by breaking off: resumed, the rule's further runs decide, and may lift it."""
    run = open_run(tmp_path, batch=[{"serial": "1"}])
    with run.step("Q2"):
        measure(run, value=2.026, provisional=True)
        run.condition(Condition("", "water temperature", "°C", 20.0, 20.0, 10.0, 30.0, True, "10.1", ""))
    run.abandon(error)
    assert run.close() is not Verdict.PASS
    assert not record.load(tmp_path).meter_verdicts
    resumed = resume(tmp_path)
    resumed.conclude_meter("1", Verdict.PASS, [])
    assert resumed.close() is Verdict.PASS
