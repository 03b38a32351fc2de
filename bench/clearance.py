"""Clearing a BROKEN station: a person says that the causes are gone, the bench looks whether they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from meterbench.bench.broken import Standing
from meterbench.bench.interlocks import NOT_NEEDED_IN_MOTION
from meterbench.bench.opening import Wires, open_station
from meterbench.bench.safe_state import make_all_safe
from meterbench.bench.served_lab import load as load_lab
from meterbench.bench.signals import StopSignals
from meterbench.bench.station import load
from meterbench.errors import ConfigError, InterlockTripped

LOOK_S = 3.0
"""The bench looks at every interlock for so long: longer than the slowest of those that a supply has."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was cleared."""

    cause: str
    """Why the station was BROKEN; empty if it was not."""
    alarms: tuple[str, ...]
    """What was latched in the PLC."""


def clear(station_path: Path, by: str, reason: str, stop: StopSignals, lab: Path | None = None) -> Cleared:
    """Reset the PLC's alarms, look at every interlock, reach the safe state, and only then end being BROKEN.

    ``InterlockTripped`` if a cause persists or the safe state is not reached: the station stays as it is.
    ``lab``: the file of a served laboratory that takes the real one's place.
    """
    if not by.strip() or not reason.strip():
        raise ConfigError("a clearance names who cleared (--by NAME) and what was found and done (--reason TEXT)")
    station = load(station_path)
    if station.clock != "wall":
        raise ConfigError(f"{station_path} lives in virtual time: each run begins a new world with nothing to clear")
    wires = Wires(served=None if lab is None else load_lab(lab, station_path, station))
    standing = Standing.of(station, station_path, lab)
    with standing.being_cleared() as state:
        with open_station(station, wires, make_all_safe) as bench:
            stop.follow(bench.clock)
            alarms = tuple(sorted(bench.rig.status().alarms))
            try:
                bench.take_control(resetting=True)
                bench.clock.sleep(LOOK_S)
                missing = bench.watch.look().missing_permissives - NOT_NEEDED_IN_MOTION
            finally:
                actions = bench.make_safe()
        if missing:
            raise InterlockTripped(f"not cleared: rig: {', '.join(sorted(missing))} not given; remove the cause first")
        complaints = [action.complaint for action in actions if not action.confirmed]
        if complaints:
            raise InterlockTripped(f"not cleared: safe state not reached: {'; '.join(complaints)}")
        standing.clear(
            {
                "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "by": by,
                "reason": reason,
                "alarms_reset": list(alarms),
            }
        )
    return Cleared(state["cause"] if state else "", alarms)
