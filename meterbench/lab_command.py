"""``meterbench lab``: the virtual laboratory behind its wires, for any program, in wall time or faster."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from meterbench.bench.served_lab import ServedLab
from meterbench.bench.signals import stop_signals
from meterbench.bench.station import load
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.errors import ConfigError
from meterbench.tables import print_lab, terminal

LOOK_S = 0.2
FASTEST = 1000.0
TOLD_LOST_S = 5.0
"""World seconds that go missing before the person hears of it."""


def serve(path: Path, speed: float, seed: int | None, as_json: bool) -> int:
    """Open everything, tell the addresses, and serve until a signal; the exit status."""
    if not (math.isfinite(speed) and 0.0 < speed <= FASTEST):
        raise ConfigError(f"--speed {speed:g}: more than 0, and {FASTEST:g} at most")
    station = load(path).twin().with_line(None, None, seed)
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, stop) for number in stop_signals()}
    lab = VirtualLab(station)
    try:
        served = ServedLab(station=station.station.name, speed=speed, pid=os.getpid(), addresses=lab.start(speed))
        if as_json:
            print(served.model_dump_json(), flush=True)
        else:
            print_lab(terminal(), served, {role: s.driver for role, s in station.instruments.by_role().items()})
        _serve(lab, asked, speed)
    finally:
        lab.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 130 if asked == [signal.SIGINT] and not as_json else 0


def _serve(lab: VirtualLab, asked: list[int], speed: float) -> None:
    told = False
    while not asked:
        time.sleep(LOOK_S)
        if lab.lost_s > TOLD_LOST_S and not told:
            told = True
            print(
                f"meterbench: this machine is too slow for a laboratory {speed:g} times as fast as wall time: its "
                "clock falls behind; start it again with a smaller --speed",
                file=sys.stderr,
            )
