"""The panel's lines, exactly; late, forgotten and foreign answers; what is done on the way. Kind: wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from meterbench.errors import Cancelled, ConfigError, ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import OperatorAnswer, OperatorTask
from meterbench.instruments.links import serial_link
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.operator import tasks
from meterbench.instruments.operator.operator_panel import OperatorPanel, open_operator_panel
from meterbench.instruments.operator.operator_panel_sim import OperatorPanelSim, Work
from meterbench.instruments.operator.panel_lines import line_of, message_in
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock

CHOICE = OperatorTask("pause", "Go on?", ("yes", "no"), 60.0)


class Room:
    """A panel, somebody at it, and the world's time. ``work`` is what he does when he is asked."""

    def __init__(self, loop_thread: LoopThread) -> None:
        self.loop_thread = loop_thread
        self.now_s = 0.0
        self.stopping: asyncio.Task[None] | None = None
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.work: Callable[[], Work | None] = lambda: Work(20.0, lambda: "done")
        self.sim = OperatorPanelSim(self._begin, lambda: self.now_s)
        self.clock = VirtualClock(self._advance)
        self.panel: OperatorPanel = open_operator_panel(
            Place("operator", loop_thread.run(self.sim.start()), self.clock)
        )

    def _begin(self, name: str, details: object) -> Work | None:
        assert isinstance(details, dict)
        self.asked.append((name, details))
        return self.work()

    def _advance(self, duration_s: float) -> bool:
        self.now_s += duration_s
        self.loop_thread.call(self.sim.sample)
        return True

    def lines(self) -> list[str]:
        """On the wire since it was opened, without check sums."""
        pieces = self.loop_thread.call(lambda: list(self.sim.server.transcript))
        return [each.direction + " " + each.payload.decode().rpartition(" ")[0] for each in pieces][2:]


@pytest.fixture
def room(loop_thread: LoopThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(serial_link, "REOPEN_AFTER_S", 0.0)  # on loopback everybody notices at once
    made = Room(loop_thread)
    yield made
    made.panel.close()
    loop_thread.run(made.sim.stop())


def test_the_lines_are_these(room: Room) -> None:
    """Golden exchange: identity, a task, two looks; each line ends in a blank, its CRC-32 (by gzip, too) and LF."""
    room.work = lambda: Work(6.0, lambda: "done")
    answer = room.panel.ask(tasks.magnet_on("10000001", "M-7", "indicating device"))
    assert answer == OperatorAnswer("done", "virtual operator", by_default=False, took_s=8.0)
    assert room.lines() == [
        '> {"ask":1,"name":"magnet_on","instruction":"Put magnet M-7 against meter 10000001: indicating device. Leave '
        'it there.","choices":["done","not done"],"details":{"meter":"10000001","magnet":"M-7",'
        '"position":"indicating device"}}',
        '< {"ask":1,"name":"magnet_on","state":"accepted"}',
        '> {"look":1}',
        '< {"look":1,"name":"magnet_on","state":"pending"}',
        '> {"look":1}',
        '< {"look":1,"name":"magnet_on","state":"answered","answer":"done","who":"virtual operator"}',
    ]
    wire = room.loop_thread.call(lambda: [each.payload for each in room.sim.server.transcript])
    assert wire[:2] == [
        b'{"who":"?"} 1AE1140B\n',
        b'{"who":"virtual operator","panel":"meterbench operator panel","serial":"VP-1","version":"1.0","last":0} '
        b"391E98B3\n",
    ]
    assert room.panel.identity.model == "meterbench operator panel"
    assert room.panel.identity.serial == "VP-1"


def test_what_is_told_is_what_the_task_says(room: Room) -> None:
    """Name and details, as the task has them."""
    room.panel.ask(tasks.electrostatic_discharge("10000001", -8.0, "seam", contact=False))
    details = {"meter": "10000001", "level_kv": -8.0, "point": "seam", "mode": "air", "discharges": 10, "apart_s": 10.0}
    assert room.asked == [("discharge", details)]


def test_looks_become_rarer(room: Room) -> None:
    """An hour's work costs 360 looks, and not 1800; ten minutes some 70."""
    room.work = lambda: Work(600.0, lambda: "done")
    assert room.panel.ask(tasks.drain_line()).took_s <= 610.0
    assert sum(line.startswith("> ") for line in room.lines()) < 75


def test_acts_come_at_their_time(room: Room) -> None:
    """Not all at the end: a discharge must meet a meter that measures."""
    done_s: list[float] = []
    acts = [(at_s, lambda: done_s.append(room.now_s)) for at_s in (10.0, 20.0, 30.0)]
    room.work = lambda: Work(31.0, lambda: "done", acts)
    room.panel.ask(tasks.drain_line())
    assert [round(at_s // 10) for at_s in done_s] == [1, 2, 3]


def test_nobody_answers(room: Room) -> None:
    """The default, marked; without one an error. The task is off the panel then, and nothing is done any more."""
    done: list[float] = []
    room.work = lambda: Work(100.0, lambda: str(done.append(room.now_s)))
    with pytest.raises(DeadlineExceeded, match=r"operator: asked pause .* nobody answered within 60 s"):
        room.panel.ask(CHOICE)
    assert room.now_s == 60.0
    assert room.lines()[-1] == '< {"withdraw":1,"state":"withdrawn"}'
    room.clock.sleep(100.0)
    assert done == []
    room.work = lambda: None
    answer = room.panel.ask(OperatorTask("pause", "Go on?", ("yes", "no"), 5.0, default="no"))
    assert (answer.answer, answer.by_default, answer.who) == ("no", True, "")


def test_a_cancelled_task_is_withdrawn(room: Room) -> None:
    """Nobody shall put a magnet on after the run has stopped."""
    done: list[float] = []
    room.work = lambda: Work(50.0, lambda: str(done.append(room.now_s)), [(10.0, lambda: room.clock.cancel("stop"))])
    with pytest.raises(Cancelled):
        room.panel.ask(CHOICE)
    assert room.lines()[-1] == '< {"withdraw":1,"state":"withdrawn"}'
    room.now_s += 100.0
    room.loop_thread.call(room.sim.sample)
    assert done == []


def test_an_answer_that_is_no_choice_or_of_nobody_is_none(room: Room) -> None:
    room.work = lambda: Work(1.0, lambda: "perhaps")
    with pytest.raises(ProtocolError, match=r"operator .*none of \['yes', 'no'\]"):
        room.panel.ask(CHOICE)
    room.sim._who = " "
    room.work = lambda: Work(1.0, lambda: "yes")
    with pytest.raises(ProtocolError, match="an answer of somebody"):
        room.panel.ask(CHOICE)


def test_a_panel_that_was_switched_off_has_forgotten(room: Room) -> None:
    """What was done meanwhile nobody knows: an error, and the next task has another number."""
    room.work = lambda: Work(20.0, lambda: "yes", [(5.0, lambda: str(room.sim.restart()))])
    with pytest.raises(InstrumentError, match=r"forgotten task 1 \(pause\)"):
        room.panel.ask(CHOICE)
    room.work = lambda: Work(1.0, lambda: "yes")
    assert room.panel.ask(CHOICE).answer == "yes"
    assert '> {"ask":2,' in "".join(line[:12] for line in room.lines())


def test_a_second_bench_begins_where_the_first_has_ended(room: Room) -> None:
    """So that no answer to the first one's task is one to its own."""
    room.work = lambda: Work(1.0, lambda: "yes")
    room.panel.ask(CHOICE)
    address = room.panel._link.address
    second = open_operator_panel(Place("operator", address, room.clock))
    second.ask(CHOICE)
    second.close()
    assert [line[:9] for line in room.lines() if '{"ask"' in line and line[0] == ">"] == ['> {"ask":', '> {"ask":']
    assert room.sim._last == 2


def test_a_lost_connection_is_no_lost_task(room: Room) -> None:
    """The cable is out for a moment while somebody works: the answer is fetched afterwards, and the task given once."""

    def cut() -> None:
        for session in tuple(room.sim.server.sessions):
            session.close()

    room.work = lambda: Work(20.0, lambda: "yes", [(5.0, cut), (12.0, cut)])
    assert room.panel.ask(CHOICE).answer == "yes"
    assert len(room.asked) == 1


def test_a_panel_that_has_gone_is_named(room: Room) -> None:
    """After 30 s of the clock."""
    room.work = lambda: Work(1000.0, lambda: "yes", [(5.0, lambda: _stop(room))])
    with pytest.raises(ConnectionLost, match="operator"):
        room.panel.ask(OperatorTask("pause", "Go on?", ("yes", "no"), 600.0))
    assert 30.0 < room.now_s < 60.0


def _stop(room: Room) -> None:
    """From within the loop."""
    room.stopping = room.loop_thread.loop.create_task(room.sim.stop())


def test_another_panel_is_refused(room: Room) -> None:
    """After a lost connection."""

    def exchange() -> None:
        room.sim._serial = "VP-2"
        for session in tuple(room.sim.server.sessions):
            session.close()

    room.work = lambda: Work(20.0, lambda: "yes", [(5.0, exchange)])
    with pytest.raises(ProtocolError, match="panel VP-1 expected"):
        room.panel.ask(OperatorTask("pause", "Go on?", ("yes", "no"), 600.0))


def test_what_json_cannot_say_is_refused(room: Room) -> None:
    with pytest.raises(ConfigError, match="task pause: its details cannot be told"):
        room.panel.ask(OperatorTask("pause", "Go on?", (), 5.0, details={"level_kv": float("nan")}))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"look":1}', "check sum"),
        ("", "check sum"),
        (line_of({"look": 1}).replace("1", "2", 1), "check sum"),
        ("[1] " + "00000000", "check sum"),
    ],
)
def test_a_changed_line_is_none(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        message_in(line)


def test_lines_are_ascii_whatever_is_said() -> None:
    """Degrees and cubic metres come through."""
    message = {"answer": "000.001234 m³", "who": "Å. Exämple"}
    assert line_of(message).isascii()
    assert message_in(line_of(message)) == message
