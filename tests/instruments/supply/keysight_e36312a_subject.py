"""The auxiliary supply for the fault matrix: set, switched on, measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from meterbench.instruments.capabilities import SupplyReading
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.instruments.supply.keysight_e36312a import KeysightE36312ASettings, open_keysight_e36312a
from meterbench.instruments.supply.keysight_e36312a_sim import KeysightE36312ASim
from meterbench.world.clock import WallClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12
LOAD_OHM = 100.0


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """100 ohm at channel 2."""
    wanted_v = [5.0]
    faults = FaultPlan(seed=3)
    box = KeysightE36312ASim({2: lambda voltage_v: 1000.0 * voltage_v / LOAD_OHM}, faults, lambda: 0.0)
    server = ScpiServer(box.scpi, faults)
    settings = KeysightE36312ASettings(channel=2, overvoltage_v=25.0)
    supply = open_keysight_e36312a(Place("aux_supply", loop_thread.run(server.start()), WallClock()), settings)
    supply._link._deadline_s = QUICK_S

    def feed() -> SupplyReading:
        supply.set_output(wanted_v[0], 500.0)
        supply.switch_on()
        return supply.measure()

    def right(answer: object) -> bool:
        return (
            isinstance(answer, SupplyReading)
            and answer.voltage_v == pytest.approx(wanted_v[0], abs=5e-3)
            and answer.current_ma == pytest.approx(1000.0 * wanted_v[0] / LOAD_OHM, abs=5.0)
        )

    def change() -> None:
        wanted_v[0] = 5.0 + (wanted_v[0] - 4.0) % 15.0

    try:
        yield Subject(
            supply,
            faults,
            ask=feed,
            right=right,
            change=change,
            answers=11,
            deadline_s=2.5,
            cannot={FaultKind.WRONG_UNIT: "a socket has no addresses"},
        )
    finally:
        supply.close()
        loop_thread.run(server.stop())
