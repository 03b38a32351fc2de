"""An operator's panel on TCP with somebody at it, who takes the world's time for what he does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meterbench.instruments.faults import FaultPlan
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
from meterbench.instruments.serving.byte_server import ByteServer, Send, split_lines


@dataclass(frozen=True, slots=True)
class Work:
    """How somebody carries a task out, in the world's time."""

    takes_s: float
    finish: Callable[[], str]
    """Done at the end of that time; what he answers."""
    acts: Sequence[tuple[float, Callable[[], None]]] = ()
    """What is done on the way, at so many seconds from the beginning, rising."""


Begin = Callable[[str, Mapping[str, str | float]], Work | None]
"""Given a task's name and details, how it is carried out; None if whoever is there does not know what is meant."""


@dataclass(slots=True)
class _Task:
    """What stands on the panel."""

    question: dict[str, Any]
    begun_s: float
    work: Work | None
    acts: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    """Still to be done."""
    answer: str | None = None


class OperatorPanelSim:
    """A panel; made, started, used and stopped in the lab's loop. ``sample`` it after each step of the world: what is
    due is done there, so as late as the step is long."""

    terminator = TERMINATOR

    def __init__(
        self,
        begin: Begin,
        now_s: Callable[[], float],
        *,
        who: str = "virtual operator",
        serial: str = "VP-1",
        faults: FaultPlan | None = None,
    ) -> None:
        self.server = ByteServer(self, faults or FaultPlan())
        self._begin = begin
        self._now_s = now_s
        self._who = who
        self._serial = serial
        self._last = 0
        self._task: _Task | None = None

    async def start(self, wire: str = "") -> str:
        """Serve lines on ``tcp``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take it off its wire; safe to call twice."""
        await self.server.stop()

    def sample(self) -> None:
        """Do what is due by now."""
        task = self._task
        if task is None or task.work is None or task.answer is not None:
            return
        passed_s = self._now_s() - task.begun_s
        while task.acts and task.acts[0][0] <= passed_s:
            task.acts.pop(0)[1]()
        if passed_s >= task.work.takes_s:
            task.answer = task.work.finish()

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """Lines."""
        return split_lines(received, self.terminator)

    async def answer(self, request: bytes, send: Send) -> None:
        """One line."""
        try:
            message = message_in(request.decode("latin-1"))
            reply = self._reply(message)
        except ValueError as refusal:
            reply = {"refused": str(refusal)}
        send(self._line(reply))

    def refusal(self, request: bytes) -> bytes:  # noqa: ARG002
        """Somebody else uses it."""
        return self._line({"refused": "the panel is locked"})

    def restart(self) -> bytes:
        """It forgets its task, and whoever worked on it stops."""
        self._task, self._last = None, 0
        return b""

    def wrong_unit(self, message: bytes) -> bytes:
        """It has no address."""
        return message

    # The panel.

    def _line(self, reply: Mapping[str, object]) -> bytes:
        return line_of(reply).encode("ascii") + self.terminator

    def _reply(self, message: Mapping[str, Any]) -> Mapping[str, object]:
        """The answer to a message; ``ValueError`` for what is none."""
        if "who" in message:
            return {
                "who": self._who,
                "panel": "meterbench operator panel",
                "serial": self._serial,
                "version": "1.0",
                "last": self._last,
            }
        if "ask" in message:
            return self._take(dict(message))
        if "look" in message:
            return self._state(message["look"])
        if "withdraw" in message:
            if self._task is not None and self._task.question["ask"] == message["withdraw"]:
                self._task = None
            return {"withdraw": message["withdraw"], "state": WITHDRAWN}
        raise ValueError("no ask, look, withdraw or who")

    def _take(self, question: dict[str, Any]) -> Mapping[str, object]:
        number, name = question["ask"], question.get("name")
        kept = self._task is not None and self._task.question == question
        if not kept:
            if type(number) is not int or number <= self._last or not isinstance(name, str):
                raise ValueError(f"task {number!r} {name!r} after task {self._last}")
            work = self._begin(name, question.get("details", {}))
            self._task = _Task(question, self._now_s(), work, list(work.acts) if work else [])
            self._last = number
        return {"ask": number, "name": name, "state": ACCEPTED}

    def _state(self, number: object) -> Mapping[str, object]:
        task = self._task
        if task is None or task.question["ask"] != number:
            return {"look": number, "state": UNKNOWN}
        about = {"look": number, "name": task.question["name"]}
        if task.answer is None:
            return about | {"state": PENDING}
        return about | {"state": ANSWERED, "answer": task.answer, "who": self._who}
