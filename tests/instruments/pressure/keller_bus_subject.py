"""The transmitter for the fault matrix: a pressure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.pressure.keller_bus import KellerSettings, KellerTransmitter
from meterbench.instruments.pressure.keller_bus_sim import KellerBusSim
from tests.instruments.subjects import Subject

QUICK_S = 0.12


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A transmitter of 1.6 MPa behind an adapter that echoes."""
    pressure_kpa = [100.0]
    faults = FaultPlan(seed=1)
    box = KellerBusSim(lambda: pressure_kpa[0], lambda: 0.0, np.random.default_rng(1), echo=True, faults=faults)
    address = loop_thread.run(box.start("pty"))
    link = SerialLink("pressure", address, deadline_s=QUICK_S)
    transmitter = KellerTransmitter("pressure", link, KellerSettings(echo=True))
    transmitter.open()

    def change() -> None:
        pressure_kpa[0] += 3.0

    try:
        yield Subject(
            transmitter,
            faults,
            ask=transmitter.pressure_kpa,
            right=lambda answer: isinstance(answer, float) and abs(answer - pressure_kpa[0]) < 1.0,
            change=change,
            answers=1,
            deadline_s=3.0,
        )
    finally:
        transmitter.close()
        loop_thread.run(box.stop())
