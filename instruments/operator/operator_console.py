"""Asks the person at the terminal, and waits on the station's clock: interlocks and heartbeat go on meanwhile.

The terminal is the one that the command was started from (address ``console``), or another one by its device path; not
standard input, which the test runner keeps for itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import time
from collections.abc import Sequence
from typing import NoReturn

from meterbench.errors import ConnectionLost
from meterbench.instruments.capabilities import Exchange, Identity, OperatorAnswer, OperatorTask
from meterbench.instruments.links.trace import Trace
from meterbench.instruments.operator.answering import accepted, require_sound, unanswered
from meterbench.instruments.place import Place

CONTROLLING_TERMINAL = "/dev/tty"
POLL_S = 0.1
"""On the clock, between two looks at the keyboard."""
SHORTEST_S = 1e-6
"""A clock does not move for what is within its own rounding."""
NAME = OperatorTask("name", "Who is at the bench?", (), 1.0)
USE_SCRIPT = "start it in the foreground of a terminal, or let operator_script answer"


class OperatorConsole:
    """An ``Operator`` at a terminal; asked for a name once."""

    def __init__(self, place: Place) -> None:
        self.role = place.role
        self.identity = Identity("", "operator console", "", "")
        self._clock = place.clock
        self._device = CONTROLLING_TERMINAL if place.address == "console" else place.address
        self._trace = Trace(f"{place.role} at {place.address}", place.tape)
        self._terminal: int | None = None
        self._who = ""

    def open(self) -> None:
        """``ConnectionLost`` at once if there is no terminal where a person could answer."""
        try:
            self._terminal = os.open(self._device, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as cause:
            self._fail(f"there is no terminal to ask at: {cause.strerror}", cause)
        if not os.isatty(self._terminal):
            self.close()
            self._fail("that is no terminal", None)
        self._require_foreground()

    def ask(self, task: OperatorTask) -> OperatorAnswer:
        """Ask, again after each answer that is none, until ``deadline_s`` of the clock has passed.

        What was typed before the question does not count. ``ConnectionLost`` if the terminal goes away.
        """
        require_sound(self.role, task)
        self._require_foreground()
        start_s = self._clock.now_s()
        end_s = start_s + task.deadline_s
        if not self._who:
            self._who = self._answer_until(end_s, NAME) or ""
        answer = self._answer_until(end_s, task) if self._who else None
        took_s = self._clock.now_s() - start_s
        if answer is None:
            self._say("Nobody answered in time.")
            return unanswered(self.role, task, self._who, took_s, f"nobody answered within {task.deadline_s:g} s")
        return OperatorAnswer(answer, self._who, by_default=False, took_s=took_s)

    def _answer_until(self, end_s: float, task: OperatorTask) -> str | None:
        choices = f" [{' / '.join(task.choices)}]" if task.choices else ""
        default = f" ({task.default} after {end_s - self._clock.now_s():.0f} s)" if task.default is not None else ""
        question = f"{task.instruction}{choices}{default}"
        termios.tcflush(self._open_terminal(), termios.TCIFLUSH)  # a key pressed before is no answer
        self._say(question)
        asked_s = time.monotonic()
        while (left_s := end_s - self._clock.now_s()) > 0.0:
            line = self._line()
            if line is not None:
                self._trace.add(question.encode(), line, time.monotonic() - asked_s)
                answer = accepted(task, line.decode(errors="replace"))
                if answer is not None:
                    return answer
                self._say(f"Please answer {' or '.join(task.choices)}." if task.choices else "Please answer.")
            self._clock.sleep(min(POLL_S, left_s) if left_s > SHORTEST_S else POLL_S)
        return None

    def _line(self) -> bytes | None:
        """What was typed, if Enter has been pressed."""
        terminal = self._open_terminal()
        try:
            if not select.select([terminal], [], [], 0.0)[0]:
                return None
            line = os.read(terminal, 4096)
        except OSError as cause:
            self._fail(f"the terminal went away: {cause.strerror}", cause)
        if not line:
            self._fail("the terminal was closed (end of input)", None)
        return line

    def _say(self, text: str) -> None:
        try:
            os.write(self._open_terminal(), f"{self.role}: {text}\n".encode())
        except OSError as cause:
            self._fail(f"the terminal went away: {cause.strerror}", cause)

    def _require_foreground(self) -> None:
        """A background job that reads from its terminal would be stopped by the system, the heartbeat with it."""
        terminal = self._open_terminal()
        with contextlib.suppress(OSError):  # a terminal that is not the controlling one has no foreground
            if os.tcgetpgrp(terminal) != os.getpgrp():
                self.close()
                self._fail("this command runs in the background, where nobody can answer", None)

    def _open_terminal(self) -> int:
        if self._terminal is None:
            self._fail("the terminal is not open", None)
        return self._terminal

    def _fail(self, why: str, cause: OSError | None) -> NoReturn:
        raise self._trace.error(ConnectionLost, why, todo=USE_SCRIPT) from cause

    def trace(self) -> Sequence[Exchange]:
        """The last 20 questions and answers, oldest first."""
        return self._trace.exchanges()

    def close(self) -> None:
        """Leave the terminal; safe to call twice."""
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            os.close(terminal)


def open_operator_console(place: Place) -> OperatorConsole:
    """At ``console``, the terminal that the command was started from, or at the device path of another terminal."""
    console = OperatorConsole(place)
    console.open()
    return console
