"""A small process beside the bench: if the bench is killed, it makes chambers and supplies safe.

The rig needs no guardian, its PLC has a watchdog; a chamber heats on and a supply feeds on until somebody tells them.
The guardian waits on a pipe that only the bench holds open, in a session of its own, so that neither Ctrl-C nor a
terminal that goes away reaches it. ``python -m meterbench.bench.guardian`` is the process; the bench starts it.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meterbench.bench.bench import Standard
from meterbench.bench.broken import Standing
from meterbench.bench.safe_state import make_all_safe
from meterbench.bench.signals import stop_signals
from meterbench.bench.station import load
from meterbench.errors import BenchError
from meterbench.instruments.capabilities import Actor, Instrument
from meterbench.instruments.drivers import opener
from meterbench.instruments.place import Place
from meterbench.world.clock import WallClock

RELEASED = b"released\n"
"""What the bench says at an orderly end."""
END_S = 5.0


class Guardian:
    """The bench's side. ``wards`` are what acts, by ``ward``; ``station`` and ``lab`` are the files of its standing."""

    def __init__(
        self, run: str, wards: Sequence[Mapping[str, Any]], speed: float, station: Path, lab: Path | None
    ) -> None:
        charge = {
            "run": run,
            "wards": list(wards),
            "speed": speed,
            "station": str(station.resolve()),
            "lab": None if lab is None else str(lab.resolve()),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._tell(json.dumps(charge).encode() + b"\n")

    def release(self) -> None:
        """Everything is safe, or known not to be; safe to call twice."""
        self._tell(RELEASED)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, line: bytes) -> None:
        """A guardian that is gone guards nothing; the bench goes on, as it would without one."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line)
                self._process.stdin.flush()


def wards_of(standards: Sequence[Standard]) -> list[dict[str, Any]]:
    """What acts, beside the rig, and how it is reached again."""
    return [
        {
            "role": standard.role,
            "name": standard.place.role,
            "driver": standard.driver,
            "address": standard.place.address,
            "settings": dict(standard.settings),
        }
        for standard in standards
        if standard.place is not None and standard.role != "rig" and isinstance(standard.instrument, Actor)
    ]


def guard(charge: Mapping[str, Any]) -> None:
    """The bench was killed: make its wards safe, and say so where the next bench looks."""
    clock = WallClock(charge["speed"])
    opened: dict[str, list[Instrument]] = {}
    lost: list[str] = []
    for ward in charge["wards"]:
        try:
            instrument = opener(ward["driver"], ward["settings"])(
                Place(ward["name"], ward["address"], clock, ward["driver"])
            )
            opened.setdefault(ward["role"], []).append(instrument)
        except BenchError as error:
            lost.append(f"{ward['name']} not made safe: {error}")
    actions = make_all_safe(opened, clock)
    for of_role in opened.values():
        for instrument in of_role:
            with contextlib.suppress(BenchError):
                instrument.close()
    station = Path(charge["station"])
    standing = Standing.of(load(station), station, None if charge["lab"] is None else Path(charge["lab"]))
    with contextlib.suppress(BenchError), standing.being_cleared() as left:
        cause = "; ".join([(left or {}).get("cause", "the bench was killed"), *lost])
        standing.declare(charge["run"], clock.utc().isoformat(timespec="milliseconds"), cause, actions)


def main() -> None:
    """Wait until the bench says that all is well, or is gone."""
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)
    line = sys.stdin.buffer.readline()
    if line and sys.stdin.buffer.read() != RELEASED:
        guard(json.loads(line))


if __name__ == "__main__":
    main()
