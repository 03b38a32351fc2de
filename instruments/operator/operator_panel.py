"""Asks the person at the bench by a panel of ours on TCP: a tablet beside the rig, which shows one task at a time.

The bench hands a task over, and looks for its answer on the station's clock: interlocks and heartbeat go on meanwhile.
A task has a number that no other has had on this panel, and every line repeats it: an answer to something else never
counts. A look that fails is taken again: what a person does for an hour is not lost with one line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from meterbench.errors import BenchError, ConfigError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity, OperatorAnswer, OperatorTask
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.operator.answering import accepted, require_sound, unanswered
from meterbench.instruments.operator.panel_lines import (
    ACCEPTED,
    ANSWERED,
    PENDING,
    TERMINATOR,
    UNKNOWN,
    WITHDRAWN,
    line_of,
    message_in,
)
from meterbench.instruments.place import Place
from meterbench.world.clock import Clock

DEADLINE_S = 1.0
"""Wall seconds: while an answer is lost the rig's watchdog of 3 s waits for the next heartbeat."""
FIRST_LOOK_S, LONGEST_LOOK_S = 4.0, 10.0
"""On the clock, between two looks: the longer the task takes, the longer."""
OF_WHAT_PASSED = 0.5
PATIENCE_S = 30.0
"""On the clock, without a sound look: then the panel has gone."""
SHORTEST_S = 1e-6
"""A clock does not move for what is within its own rounding."""
BARRIER = {"who": "?"}
"""No other question is answered with ``panel``."""
_OFF_THE_WIRE = (ConnectionLost, DeadlineExceeded, ProtocolError)


class OperatorPanel:
    """An ``Operator`` at a panel. Not opened yet when made: use ``open_operator_panel``."""

    def __init__(self, role: str, link: SerialLink, clock: Clock) -> None:
        self.role = role
        self.identity = Identity("", "", "", "")
        self._link = link
        self._clock = clock
        self._last = 0
        """Number of the latest task that the panel has had, from this bench or another one."""

    def open(self) -> None:
        """Connect, and ask the panel what it is and who is at it."""
        self._link.open()
        self._resynchronise()

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def ask(self, task: OperatorTask) -> OperatorAnswer:
        """Ask, and look for the answer until ``deadline_s`` of the clock has passed; then the task is withdrawn.

        ``InstrumentError`` if the panel refuses the task or has forgotten it, ``ConnectionLost`` and the other errors
        of a link if it has not been heard for 30 s of the clock.
        """
        require_sound(self.role, task)
        start_s = self._clock.now_s()
        number = self._hand_over(task)
        try:
            found = self._wait(number, task, start_s)
        except BaseException:
            self._withdraw(number)
            raise
        took_s = self._clock.now_s() - start_s
        if found is None:
            self._withdraw(number)
            return unanswered(self.role, task, "", took_s, f"nobody answered within {task.deadline_s:g} s")
        answer, who = found
        return OperatorAnswer(answer, who, by_default=False, took_s=took_s)

    def _hand_over(self, task: OperatorTask) -> int:
        """The task's number, once the panel has it. A panel takes the same task twice: the second time changes
        nothing."""
        if self._link.stale:
            self._resynchronise()
        self._last = number = self._last + 1
        question = {
            "ask": number,
            "name": task.name,
            "instruction": task.instruction,
            "choices": list(task.choices),
            "details": dict(task.details),
        }
        try:
            line_of(question)
        except (ValueError, TypeError) as cause:
            raise ConfigError(f"{self.role}: task {task.name}: its details cannot be told: {cause}") from None
        expected = {"ask": number, "name": task.name, "state": ACCEPTED}
        try:
            self._command(question, expected)
        except _OFF_THE_WIRE:
            self._command(question, expected)
        except BaseException:
            self._withdraw(number)
            raise
        return number

    def _wait(self, number: int, task: OperatorTask, start_s: float) -> tuple[str, str] | None:
        """Answer and who gave it; None if nobody did in time."""
        heard_s = self._clock.now_s()
        while True:
            now_s = self._clock.now_s()
            left_s = start_s + task.deadline_s - now_s
            if left_s <= SHORTEST_S:
                return None
            pause_s = min(max(FIRST_LOOK_S, OF_WHAT_PASSED * (now_s - start_s)), LONGEST_LOOK_S)
            self._clock.sleep(min(pause_s, left_s))
            try:
                found = self._look(number, task)
            except _OFF_THE_WIRE:
                if self._clock.now_s() - heard_s > PATIENCE_S:
                    raise
                continue
            if found is not None:
                return found
            heard_s = self._clock.now_s()

    def _look(self, number: int, task: OperatorTask) -> tuple[str, str] | None:
        """Answer and who gave it; None while there is none."""
        question = {"look": number}
        reply = self._exchange(question)
        state = reply.get("state")
        if reply.get("look") != number or (state != UNKNOWN and reply.get("name") != task.name):
            self._fail(question, reply, f"not about task {number}, {task.name}")
        if state == PENDING:
            return None
        if state == UNKNOWN:
            raise InstrumentError(
                f"{self.role}: the panel has forgotten task {number} ({task.name}): it was switched off, or another "
                "bench asks there; see what has been done, and ask again"
            )
        answer, who = reply.get("answer"), reply.get("who")
        if state != ANSWERED or not isinstance(answer, str) or not isinstance(who, str) or not who.strip():
            self._fail(question, reply, "neither pending nor an answer of somebody")
        chosen = accepted(task, answer)
        if chosen is None:
            self._fail(question, reply, f"none of {list(task.choices)}" if task.choices else "an empty answer")
        return chosen, who.strip()

    def _withdraw(self, number: int) -> None:
        """Take the task off the panel, if it can be reached: nobody shall act on it any more."""
        expected = {"withdraw": number, "state": WITHDRAWN}
        with contextlib.suppress(BenchError), self._clock.shield():
            self._command({"withdraw": number}, expected)

    def _command(self, question: Mapping[str, object], expected: Mapping[str, object]) -> None:
        reply = self._exchange(question)
        if reply != expected:
            self._fail(question, reply, "not the answer to that")

    def _exchange(self, question: Mapping[str, object]) -> dict[str, Any]:
        """The panel's answer; ``InstrumentError`` if it refuses."""
        with self._link.lock:
            if self._link.stale:
                self._resynchronise()
            line = self._link.exchange(line_of(question))
            try:
                reply = message_in(line)
            except ValueError as cause:
                self._link.fail_protocol(line_of(question), line, str(cause))
            if "refused" in reply:
                raise InstrumentError(
                    f"{self.role}: asked {line_of(question)!r}, the panel refuses: {reply['refused']}; see its screen"
                )
            return reply

    def _fail(self, question: Mapping[str, object], reply: Mapping[str, object], why: str) -> NoReturn:
        self._link.fail_protocol(line_of(question), line_of(reply), why)

    def _resynchronise(self) -> None:
        """Ask who is there until that is answered, and see that it is the same panel."""

        def tells(line: str) -> bool:
            try:
                return "panel" in message_in(line)
            except ValueError:
                return False

        line = self._link.resynchronise(line_of(BARRIER), tells, DEADLINE_S)
        reply = message_in(line)
        names = [reply.get(key) for key in ("panel", "serial", "version")]
        last = reply.get("last")
        if not all(isinstance(name, str) and name for name in names) or type(last) is not int or last < 0:
            self._link.fail_protocol(line_of(BARRIER), line, "panel, serial, version and the last task's number wanted")
        identity = Identity("", *(str(name) for name in names))
        if self.identity.serial not in ("", identity.serial):
            self._link.fail_protocol(line_of(BARRIER), line, f"panel {self.identity.serial} expected: another one?")
        self.identity = identity
        self._last = max(self._last, last)


def open_operator_panel(place: Place) -> OperatorPanel:
    """Connect to the panel at ``socket://host:port``."""
    link = SerialLink(place.role, place.address, deadline_s=DEADLINE_S, terminator=TERMINATOR, tape=place.tape)
    panel = OperatorPanel(place.role, link, place.clock)
    try:
        panel.open()
    except BaseException:
        panel.close()
        raise
    return panel
