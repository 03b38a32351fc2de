"""The person at a terminal, played on a pseudo-terminal; and commands that have none."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from meterbench.errors import Cancelled, ConnectionLost, DeadlineExceeded
from meterbench.instruments.capabilities import OperatorTask
from meterbench.instruments.operator.operator_console import OperatorConsole, open_operator_console
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock, WallClock

MAGNET = OperatorTask("magnet_on", "Put magnet M-7 against the meter.", ("done", "not done"), 3.0)


class Terminal:
    """A terminal whose keyboard and screen the test has; the person types when a word appears on the screen."""

    def __init__(self) -> None:
        self.keyboard, self._terminal = os.openpty()
        self.path = os.ttyname(self._terminal)
        self.screen = b""

    def answer(self, *script: tuple[str, str]) -> threading.Thread:
        """Type each answer when its word has appeared behind the one before."""

        def person() -> None:
            seen = 0
            for word, reply in script:
                end_s = time.monotonic() + 3.0
                while (at := self.screen.find(word.encode(), seen)) < 0 and time.monotonic() < end_s:
                    if select.select([self.keyboard], [], [], 0.02)[0]:
                        self.screen += os.read(self.keyboard, 4096)
                seen = at + len(word)
                time.sleep(0.03)
                os.write(self.keyboard, reply.encode())

        thread = threading.Thread(target=person)
        thread.start()
        return thread

    def hang_up(self) -> None:
        for end in (self.keyboard, self._terminal):
            with suppress(OSError):
                os.close(end)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.hang_up()


@pytest.fixture
def console(terminal: Terminal) -> Iterator[OperatorConsole]:
    console = open_operator_console(Place("operator", terminal.path, WallClock()))
    yield console
    console.close()


def test_asks_for_the_name_once_and_checks_answers(terminal: Terminal, console: OperatorConsole) -> None:
    """A wrong answer is asked for again; the name goes with every answer."""
    person = terminal.answer(
        ("Who is at the bench", "A. Example\n"),
        ("M-7", "perhaps\n"),
        ("Please answer done or not done", "DONE\n"),
        ("M-7", "not done\n"),
    )
    first = console.ask(MAGNET)
    second = console.ask(MAGNET)
    person.join()
    assert (first.answer, first.who, first.by_default) == ("done", "A. Example", False)
    assert (second.answer, second.who) == ("not done", "A. Example")
    assert 0.0 < first.took_s < 3.0
    assert terminal.screen.count(b"Who is at the bench") == 1
    assert console.trace()[0].received == b"A. Example\n"


def test_what_was_typed_before_the_question_is_no_answer(terminal: Terminal, console: OperatorConsole) -> None:
    """A stale Enter must not confirm what nobody has done."""
    console._who = "A. Example"
    os.write(terminal.keyboard, b"done\n")
    time.sleep(0.05)
    person = terminal.answer(("M-7", "not done\n"))
    assert console.ask(MAGNET).answer == "not done"
    person.join()


def test_nobody_answers(console: OperatorConsole) -> None:
    """In time: the default, marked, or an error."""
    console._who = "A. Example"
    with pytest.raises(DeadlineExceeded, match=r"operator: asked x .*nobody answered within 0\.3 s"):
        console.ask(OperatorTask("x", "X?", ("yes", "no"), 0.3))
    answer = console.ask(OperatorTask("x", "X?", ("yes", "no"), 0.3, default="no"))
    assert (answer.answer, answer.by_default) == ("no", True)
    assert answer.took_s == pytest.approx(0.3, abs=0.2)


def test_jobs_of_the_clock_go_on_while_a_person_thinks(terminal: Terminal) -> None:
    """Heartbeat and interlocks are jobs of the clock; so they run, in virtual as in real time."""
    for clock in (WallClock(), VirtualClock(lambda _: True)):
        beats: list[float] = []
        clock.every(0.1, lambda clock=clock, beats=beats: beats.append(clock.now_s()))
        console = open_operator_console(Place("operator", terminal.path, clock))
        console._who = "A. Example"
        console.ask(OperatorTask("x", "X?", ("yes", "no"), 1.0, default="no"))
        console.close()
        assert len(beats) >= 7


def test_cancelling_ends_the_wait(console: OperatorConsole) -> None:
    """Control-C reaches the clock by a signal; nobody has to press Enter."""
    console._who = "A. Example"
    timer = threading.Timer(0.2, lambda: console._clock.cancel("control-C"))
    timer.start()
    started_s = time.monotonic()
    with pytest.raises(Cancelled, match="control-C"):
        console.ask(OperatorTask("x", "X?", (), 60.0))
    assert time.monotonic() - started_s < 2.0
    timer.join()


@pytest.mark.parametrize("goes_away", [lambda terminal: terminal.hang_up(), None], ids=["hang-up", "control-D"])
def test_a_terminal_that_goes_away_is_named(
    terminal: Terminal, console: OperatorConsole, goes_away: Callable[[Terminal], None] | None
) -> None:
    """At once, and not when the deadline has passed."""
    console._who = "A. Example"
    timer = threading.Timer(0.2, lambda: goes_away(terminal) if goes_away else os.write(terminal.keyboard, b"\x04"))
    timer.start()
    started_s = time.monotonic()
    with pytest.raises(ConnectionLost, match=r"operator at .*: the terminal (went away|was closed)"):
        console.ask(OperatorTask("x", "X?", (), 20.0))
    assert time.monotonic() - started_s < 5.0
    timer.join()


def test_no_terminal_is_refused_when_opened(tmp_path: os.PathLike[str]) -> None:
    """A file is none; neither is what is not there."""
    for address in (os.devnull, os.path.join(tmp_path, "none")):
        with pytest.raises(ConnectionLost, match=r"operator at .*terminal.*operator_script"):
            open_operator_console(Place("operator", address, WallClock()))
    console = OperatorConsole(Place("operator", "console", WallClock()))
    with pytest.raises(ConnectionLost, match="not open"):
        console.ask(MAGNET)


@pytest.mark.parametrize("stdin_closed", [False, True])
def test_a_command_without_a_terminal_refuses_at_once(stdin_closed: bool) -> None:
    """Started by a service, with standard input empty or closed: one sentence, no waiting, no traceback of another."""
    program = (
        "from meterbench.errors import ConnectionLost\n"
        "from meterbench.instruments.operator.operator_console import open_operator_console\n"
        "from meterbench.instruments.place import Place\n"
        "from meterbench.world.clock import WallClock\n"
        "try:\n"
        "    open_operator_console(Place('operator', 'console', WallClock()))\n"
        "except ConnectionLost as error:\n"
        "    print(error)\n"
    )
    close = "exec 0<&-; " if stdin_closed else ""
    done = subprocess.run(
        ["sh", "-c", f'{close}exec "$0" -c "$1"', sys.executable, program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        start_new_session=True,  # without a controlling terminal
        check=True,
    )
    assert done.stdout.startswith("operator at console: there is no terminal to ask at")
    assert "operator_script" in done.stdout
