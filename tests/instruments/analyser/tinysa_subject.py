"""The analyser for the fault matrix: a sweep over a carrier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from meterbench.instruments.analyser.tinysa import TinySa, TinySaSettings
from meterbench.instruments.analyser.tinysa_sim import TinySaSim
from meterbench.instruments.capabilities import Sweep
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.world.clock import VirtualClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12
CENTRE_HZ, SPAN_HZ, BANDWIDTH_HZ = 868.95e6, 1e6, 10e3


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A spectrum that nothing repeats: noise, drawn anew for each scan, and a carrier."""
    carrier_dbm = [-60.0]
    rng = np.random.default_rng(1)
    last: list[np.ndarray] = []

    def spectrum(frequency_hz: np.ndarray, bandwidth_hz: float) -> np.ndarray:
        noise_dbm = -110.0 + rng.standard_normal(len(frequency_hz))
        near = np.abs(frequency_hz - CENTRE_HZ) < bandwidth_hz
        last[:] = [np.where(near, carrier_dbm[0], noise_dbm)]
        return last[0]

    faults = FaultPlan(seed=1)
    box = TinySaSim(spectrum, lambda: 0.0, faults=faults)
    link = SerialLink("analyser", loop_thread.run(box.start("pty")), deadline_s=QUICK_S)
    link.drain = partial(link.drain, silence_s=0.01)  # type: ignore[method-assign]
    settings = TinySaSettings(points=51, scan_deadline_s=QUICK_S)
    analyser = TinySa("analyser", link, VirtualClock(lambda _: True), settings)
    analyser.open()

    def right(answer: object) -> bool:
        return (
            isinstance(answer, Sweep)
            and bool(np.abs(answer.level_dbm - last[0]).max() < 0.01)
            and abs(answer.level_dbm.max() - carrier_dbm[0]) < 0.01
            and bool(np.abs(answer.frequency_hz - np.linspace(868.45e6, 869.45e6, 51)).max() < 3.0)
        )

    def change() -> None:
        carrier_dbm[0] += 0.25

    try:
        yield Subject(
            analyser,
            faults,
            ask=lambda: analyser.sweep(CENTRE_HZ, SPAN_HZ, BANDWIDTH_HZ),
            right=right,
            change=change,
            answers=5,
            deadline_s=3.0,
            cannot={
                FaultKind.WRONG_UNIT: "a USB port has one device and no addresses",
                FaultKind.QUEUE: "its shell has no error queue",
            },
        )
    finally:
        analyser.close()
        loop_thread.run(box.stop())
