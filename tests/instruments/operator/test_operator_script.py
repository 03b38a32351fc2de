"""Scripted answers: the right one, late ones, missing ones, wrong ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from meterbench.errors import ConfigError, DeadlineExceeded
from meterbench.instruments.capabilities import Operator, OperatorAnswer, OperatorTask
from meterbench.instruments.operator import tasks
from meterbench.instruments.operator.operator_script import open_operator_script
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock

SCRIPT = """
who = "A. Example"
[answers.magnet_on]
answer = " DONE "
delay_s = 20
[answers.mount]
answer = "perhaps"
[answers.seal_number]
answer = "A 123"
who = "B. Example"
"""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(lambda _: True)


def opened(tmp_path: Path, clock: VirtualClock, text: str = SCRIPT) -> Operator:
    path = tmp_path / "answers.toml"
    path.write_text(text)
    return open_operator_script(Place("operator", str(path), clock))


def test_answers_by_name_after_their_delay(tmp_path: Path, clock: VirtualClock) -> None:
    """As the choice is written, whatever the script's case; the delay passes on the clock."""
    operator = opened(tmp_path, clock)
    answer = operator.ask(tasks.magnet_on("123", "M-7", "left of the display"))
    assert answer == OperatorAnswer("done", "A. Example", by_default=False, took_s=20.0)
    assert clock.now_s() == 20.0
    free = operator.ask(OperatorTask("seal_number", "Number of the seal?", (), 5.0))
    assert (free.answer, free.who) == ("A 123", "B. Example")
    assert [exchange.received for exchange in operator.trace()] == [b"DONE", b"A 123"]


def test_missing_and_late_answers_are_the_default_or_an_error(tmp_path: Path, clock: VirtualClock) -> None:
    """Marked as given by default; and never invented."""
    operator = opened(tmp_path, clock)
    with pytest.raises(DeadlineExceeded, match=r"operator: asked vibration .* has no \[answers.vibration\]"):
        operator.ask(tasks.vibration("123", "X", "random"))
    with pytest.raises(DeadlineExceeded, match="after 20 s and 5 s are allowed"):
        operator.ask(replace(tasks.magnet_on("123", "M-7", "top"), deadline_s=5.0))
    assert clock.now_s() == 5.0
    answer = operator.ask(OperatorTask("pause", "Go on?", ("yes", "no"), 5.0, default="no"))
    assert (answer.answer, answer.by_default) == ("no", True)


def test_an_answer_that_is_no_choice_is_refused(tmp_path: Path, clock: VirtualClock) -> None:
    """With file, key and what is allowed."""
    with pytest.raises(ConfigError, match=r"answers.mount.answer: 'perhaps' is no answer; allowed: done, not done"):
        opened(tmp_path, clock).ask(tasks.mount("123", 1))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "who: Field required"),
        ("who = ''", "who: String should have at least 1"),
        ("who = 'A'\nspeed = 1", "speed: Extra inputs"),
        ("who = 'A'\n[answers.x]\nanswer = ''", "answers.x.answer"),
        ("who = 'A'\n[answers.x]\nanswer = 'y'\ndelay_s = -1", "answers.x.delay_s"),
        ("who = 'A'\n[answers.x]\nanswer = 'y'\ndelay_s = nan", "answers.x.delay_s"),
        ("who = ", "cannot read the script"),
    ],
)
def test_a_script_that_cannot_be_meant_is_refused_when_opened(
    tmp_path: Path, clock: VirtualClock, text: str, why: str
) -> None:
    """And not when the run is half done."""
    with pytest.raises(ConfigError, match=why):
        opened(tmp_path, clock, text)
    with pytest.raises(ConfigError, match="cannot read the script"):
        open_operator_script(Place("operator", str(tmp_path / "none.toml"), clock))


def test_tasks_that_nobody_could_answer_are_refused(tmp_path: Path, clock: VirtualClock) -> None:
    """A default that is no choice, a deadline that leaves no time."""
    operator = opened(tmp_path, clock)
    with pytest.raises(ConfigError, match="its default 'maybe'"):
        operator.ask(OperatorTask("x", "X?", ("yes", "no"), 5.0, default="maybe"))
    with pytest.raises(ConfigError, match="leaves no time"):
        operator.ask(OperatorTask("x", "X?", (), float("nan")))


def test_ready_tasks_say_what_the_record_needs() -> None:
    """Asset number and position of a magnet, level and point of a discharge, serial and slot of a meter."""
    for task, words in [
        (tasks.magnet_on("123", "M-7", "left of the display"), ("123", "M-7", "left of the display")),
        (tasks.magnet_off("123", "M-7"), ("123", "M-7")),
        (tasks.electrostatic_discharge("123", -8.0, "the display", contact=False), ("10 air", "-8 kV", "the display")),
        (tasks.electrostatic_discharge("123", 6.0, "a screw", contact=True), ("123", "contact", "+6 kV")),
        (tasks.vibration("123", "Z", "10 to 150 Hz"), ("123", "10 to 150 Hz", "Z axis")),
        (tasks.mount("123", 2), ("123", "slot 2")),
        (tasks.turn_round("123", reverse=True), ("123", "against")),
        (tasks.fit_disturber("123", "2", "upstream"), ("disturber 2", "upstream", "123")),
        (tasks.field_on("123", 435.0, 10.0, "vertical"), ("10 V/m", "435 MHz", "vertical")),
        (tasks.connect_supply("123", "C1"), ("123", "C1")),
        (tasks.visual_check("Is the seal whole?"), ("seal",)),
    ]:
        assert all(word in task.instruction for word in words)
        assert task.name.isidentifier()
        assert len(task.choices) == 2
        assert task.default is None
