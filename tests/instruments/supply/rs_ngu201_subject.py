"""The NGU201 for the fault matrix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.instruments.capabilities import SupplyReading
from meterbench.instruments.faults import FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.supply.rs_ngu201 import NguSettings, open_rs_ngu201
from meterbench.instruments.supply.rs_ngu201_sim import RsNgu201Sim
from tests.instruments.subjects import Subject
from tests.instruments.supply.loads import Bench

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """Set 3.6 V, switch on, measure: a load of 16.4 uA, which a change makes 10 % more."""
    bench = Bench(RsNgu201Sim)
    address = loop_thread.run(bench.server.start())
    supply = open_rs_ngu201(Place("supply slot 1", address, bench.clock), NguSettings())
    supply._link._deadline_s = QUICK_S

    def ask() -> SupplyReading:
        supply.set_output(3.6, 500.0)
        supply.switch_on()
        return supply.measure()

    def right(answer: object) -> bool:
        """Gain 0.025 %, offset 20 nA in the range of 0.1 mA, and the tolerance between two readings."""
        return (
            isinstance(answer, SupplyReading)
            and abs(answer.voltage_v - 3.6) < 2 * (1e-3 + 2e-4 * 3.6) + 2e-3
            and abs(answer.current_ma - bench.load.wants_ma) < (2.5e-4 + 5e-4) * bench.load.wants_ma + 20e-6 + 20e-6
        )

    def change() -> None:
        bench.load.wants_ma = 0.018 if bench.load.wants_ma < 0.017 else 0.0164

    try:
        yield Subject(
            supply,
            bench.faults,
            ask=ask,
            right=right,
            change=change,
            answers=8,
            deadline_s=4.0,
            cannot={FaultKind.WRONG_UNIT: "a socket has no addresses"},
        )
    finally:
        supply.close()
        loop_thread.run(bench.server.stop())
