"""64 instruments of many kinds, each polled ten times a second by one bench: rate, missed deadlines, processor time.

    python benchmarks/instruments_64.py [--json] [--seconds S]

The simulators are in another process. Every driver's ordinary reading is asked for, with all its repeated questions and
checks, in a thread of its own; the moments at which they are due are spread over the period. A deadline is missed if a
reading has not ended before the next one is due.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.figures import Figure, Report, options, show
from common.simulators import Wanted, simulators

from meterbench.instruments.capabilities import Instrument
from meterbench.instruments.drivers import opener
from meterbench.instruments.place import Place
from meterbench.world.clock import WallClock

PERIOD_S = 0.1
SECONDS = 20.0
WARM_UP_S = 1.0
LEAD_S = 0.2
"""For all threads to be there before the first reading is due."""
IDLE_AIM = "less than 50 % of one core"


@dataclass(frozen=True, slots=True)
class Kind:
    """So many of one driver on one wire, and what is read."""

    count: int
    role: str
    driver: str
    reading: str
    """Name of the driver's method."""
    wire: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    per_slot: bool = False


NO_CUTOFF = {"accept_low_flow_cutoff": True}
KINDS = (
    Kind(2, "rig", "rig_plc", "status"),
    Kind(2, "rig", "rig_plc", "status", "rtu-tcp"),
    Kind(4, "thermometer", "keysight_34461a", "resistance_ohm"),
    Kind(4, "thermometer", "keysight_34461a", "resistance_ohm", "hislip"),
    Kind(8, "counter", "keysight_53220a", "gate_closed", per_slot=True),
    Kind(4, "master_a", "endress_promass", "read", "rtu-tcp", NO_CUTOFF),
    Kind(2, "master_b", "krohne_mfc400", "read", "rtu-tcp"),
    Kind(2, "master_b", "krohne_mfc400", "read", "pty"),
    Kind(4, "master_c", "siemens_mag6000", "read"),
    Kind(4, "master_c", "krohne_ifc300", "read", settings=NO_CUTOFF),
    Kind(4, "pressure", "keller_bus", "pressure_kpa"),
    Kind(4, "pressure", "keller_bus", "pressure_kpa", "pty"),
    Kind(4, "pressure", "druck_pace", "pressure_kpa", settings={"full_scale_kpa": 1600.0}),
    Kind(4, "chamber", "weiss_simserv", "status"),
    Kind(4, "chamber", "espec_p300", "status"),
    Kind(4, "supply", "rs_ngu201", "status", per_slot=True),
    Kind(4, "aux_supply", "keysight_e36312a", "status", settings={"channel": 1, "overvoltage_v": 5.5}),
)
"""Without balances, the Super-Thermometer and analysers: a reading of theirs takes longer than the period."""


@dataclass(slots=True)
class Poll:
    """One instrument and what became of its readings."""

    kind: Kind
    instrument: Instrument
    first_due_s: float = 0.0
    took_s: list[float] = field(default_factory=list)
    missed: int = 0
    failures: list[str] = field(default_factory=list)

    def go(self, start_s: float, readings: int) -> None:
        """Read at each moment that is due; what is late is read at once, and not made up for."""
        read: Callable[[], object] = getattr(self.instrument, self.kind.reading)
        due_s = start_s + self.first_due_s
        for _ in range(readings):
            time.sleep(max(0.0, due_s - time.monotonic()))
            begun_s = time.monotonic()
            try:
                read()
            except Exception as failure:
                self.failures.append(str(failure))
            ended_s = time.monotonic()
            self.took_s.append(ended_s - begun_s)
            due_s += PERIOD_S
            self.missed += ended_s > due_s


def wanted_of(kind: Kind) -> list[Wanted]:
    """What has to be simulated; the virtual station has four slots."""
    return [
        Wanted(kind.role, kind.driver, kind.wire, kind.settings, 1 + number % 4 if kind.per_slot else 0)
        for number in range(kind.count)
    ]


def poll_all(polls: Sequence[Poll], seconds: float) -> tuple[float, float]:
    """Wall seconds and this process's processor seconds of ``seconds`` of polling."""
    start_s = time.monotonic() + LEAD_S
    threads = [
        threading.Thread(target=poll.go, args=(start_s, round(seconds / PERIOD_S)), daemon=True) for poll in polls
    ]
    busy_s = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - start_s, time.process_time() - busy_s


def measure(seconds: float) -> Report:
    """Open everything, poll once to warm up, then for ``seconds``."""
    kinds = [kind for kind in KINDS for _ in range(kind.count)]
    with simulators([each for kind in KINDS for each in wanted_of(kind)]) as addresses:
        polls = [
            Poll(kind, opener(kind.driver, kind.settings)(Place(kind.role, address, WallClock(), kind.driver)))
            for kind, address in zip(kinds, addresses, strict=True)
        ]
        try:
            for number, poll in enumerate(polls):
                poll.first_due_s = PERIOD_S * number / len(polls)
            poll_all(polls, WARM_UP_S)
            for poll in polls:
                poll.took_s, poll.missed, poll.failures = [], 0, []
            wall_s, busy_s = poll_all(polls, seconds)
        finally:
            for poll in polls:
                poll.instrument.close()
    taken = sum(len(poll.took_s) for poll in polls)
    figures = [
        Figure("instruments", len(polls), ""),
        Figure("readings", taken / wall_s, "/s", f"{len(polls) / PERIOD_S:g}"),
        Figure("missed deadlines", sum(poll.missed for poll in polls), f"of {taken}", "none"),
        Figure("readings that failed", sum(len(poll.failures) for poll in polls), f"of {taken}", "none"),
        Figure("processor time of the bench", 100.0 * busy_s / wall_s, "% of one core", IDLE_AIM),
        Figure("the longest reading", 1e3 * max(max(poll.took_s) for poll in polls), "ms"),
    ]
    for kind in KINDS:
        took_s = sorted(each for poll in polls if poll.kind is kind for each in poll.took_s)
        wire = kind.wire or "tcp"
        figures.append(
            Figure(f"{kind.count} x {kind.driver}.{kind.reading}, {wire}: median", 1e3 * took_s[len(took_s) // 2], "ms")
        )
    return Report("instruments_64", figures, sorted({failure for poll in polls for failure in poll.failures})[:5])


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    arguments = parser.parse_args()
    show(measure(arguments.seconds), arguments.json)


if __name__ == "__main__":
    main()
