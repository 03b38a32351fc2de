"""The scanner for the fault matrix: a code that somebody scans while the driver waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.scanner.barcode_reader import ScannerSettings, open_barcode_reader
from meterbench.instruments.scanner.barcode_reader_sim import BarcodeReaderSim
from meterbench.world.clock import WallClock
from tests.instruments.subjects import Subject

SCANNED_AFTER_S = 0.12
"""The driver has thrown away old scans by then."""
DEADLINE_S = 0.8


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """Each question is answered by a label of its own."""
    number = [0]
    faults = FaultPlan(seed=1)
    box = BarcodeReaderSim("A:", faults=faults)
    place = Place("scanner", loop_thread.run(box.start()), WallClock())
    reader = open_barcode_reader(place, ScannerSettings(prefix="A:"))

    def code() -> str:
        return f"WM{number[0]:08}"

    def change() -> None:
        number[0] += 1

    def ask() -> str:
        change()
        loop_thread.call(lambda: loop_thread.loop.call_later(SCANNED_AFTER_S, box.scan, code()))
        return reader.read_code(DEADLINE_S)

    try:
        yield Subject(
            reader,
            faults,
            ask=ask,
            right=lambda answer: answer == code(),
            change=change,
            answers=1,
            deadline_s=2.0,
            cannot={
                FaultKind.GARBLE: "a scanner speaks once and without check sum: the meter's own number is the check",
                FaultKind.SATURATE: "it measures nothing",
                FaultKind.WRONG_UNIT: "a scanner has no address",
                FaultKind.QUEUE: "a scanner has no error queue",
            },
        )
    finally:
        reader.close()
        loop_thread.run(box.stop())
