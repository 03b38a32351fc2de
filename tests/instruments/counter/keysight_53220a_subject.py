"""The counter for the fault matrix: a whole gate, from arming to the count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.errors import InstrumentError
from meterbench.instruments.counter.keysight_53220a import open_keysight_53220a
from meterbench.instruments.counter.keysight_53220a_sim import Keysight53220ASim
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.world.clock import WallClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A meter of so many pulses a second, a gate of 10 s."""
    now_s, rate_hz = [0.0], [37]
    faults = FaultPlan(seed=1)
    box = Keysight53220ASim(lambda at_s: int(at_s * rate_hz[0]))
    server = ScpiServer(box.scpi, faults)
    counter = open_keysight_53220a(Place("pulse_counter", loop_thread.run(server.start()), WallClock()))
    counter._link._deadline_s = QUICK_S

    def gate() -> int:
        counter.arm()
        now_s[0] = float(round(now_s[0]) + 1)
        for level in (True, False):
            loop_thread.call(lambda level=level: box.on_gate(level, now_s[0]))
            now_s[0] += 10.0
        if not counter.gate_closed():
            raise InstrumentError("pulse_counter: its gate is still open")  # as the bench says it
        return counter.gated_count()

    def change() -> None:
        rate_hz[0] += 1

    try:
        yield Subject(
            counter,
            faults,
            ask=gate,
            right=lambda answer: answer == 10 * rate_hz[0],
            change=change,
            answers=16,
            deadline_s=4.0,
            cannot={
                FaultKind.WRONG_UNIT: "a socket has no addresses",
                FaultKind.SATURATE: "a counter of 350 MHz has no end of range that a meter's pulses could reach",
            },
            cleared_at=(1,),
        )
    finally:
        counter.close()
        loop_thread.run(server.stop())
