"""The N6705C for the fault matrix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.instruments.capabilities import SupplyReading
from meterbench.instruments.faults import FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.supply.keysight_n6705c import N6705Settings, open_keysight_n6705c
from meterbench.instruments.supply.keysight_n6705c_sim import KeysightN6705CSim
from tests.instruments.subjects import Subject
from tests.instruments.supply.loads import Bench

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """Set 3.6 V, switch on, measure: a load of 0.5 mA, which a change makes 10 % more."""
    bench = Bench(KeysightN6705CSim)
    bench.load.wants_ma = 0.5
    address = loop_thread.run(bench.server.start())
    supply = open_keysight_n6705c(Place("supply slot 1", address, bench.clock), N6705Settings())
    supply._link._deadline_s = QUICK_S

    def ask() -> SupplyReading:
        supply.set_output(3.6, 500.0, 0.5)
        supply.switch_on()
        return supply.measure()

    def right(answer: object) -> bool:
        """Gain 0.025 %, offset 300 nA in the range of 1 mA, noise of 3 nA."""
        return (
            isinstance(answer, SupplyReading)
            and abs(answer.voltage_v - 3.6) < 6e-4 + 2 * 2.5e-4 * 3.6 + 5e-4
            and abs(answer.current_ma - bench.load.wants_ma) < 2.5e-4 * bench.load.wants_ma + 300e-6 + 20e-6
        )

    def change() -> None:
        bench.load.wants_ma = 0.55 if bench.load.wants_ma < 0.52 else 0.5

    try:
        yield Subject(
            supply,
            bench.faults,
            ask=ask,
            right=right,
            change=change,
            answers=10,
            deadline_s=4.0,
            cannot={FaultKind.WRONG_UNIT: "a socket has no addresses"},
        )
    finally:
        supply.close()
        loop_thread.run(bench.server.stop())
