"""What is looked at while a run goes on, for the traces: the rig and the chamber at every look of the watch, which
looks at them anyway, all other instruments now and then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from meterbench.bench.traces import Sink, Values
from meterbench.errors import BenchError, InterlockTripped
from meterbench.instruments.capabilities import (
    ChamberStatus,
    Instrument,
    MasterMeter,
    ReferencePressure,
    ResistanceThermometer,
    RigStatus,
    Supply,
)
from meterbench.world.clock import Clock, Job

PERIOD_S = 5.0
VIRTUAL_PERIOD_S = 60.0
"""In virtual time, where a look at all of them costs as much as twenty at the rig."""
STEADY_PERIOD_S = 60.0
"""In steady stretches of virtual time; more in long ones (``world.clock``)."""
LONGEST_PAUSE_S = 160.0
"""Between two looks at an instrument that does not answer."""


def rig_values(status: RigStatus) -> Values:
    """A row of the trace ``rig``."""
    return {
        "state": status.state.value,
        **{f"flow_line_{line.lower()}_l_h": flow for line, flow in status.flow_l_h.items()},
        "pressure_upstream_kpa": status.pressure_upstream_kpa,
        "pressure_downstream_kpa": status.pressure_downstream_kpa,
        "meters_dp_kpa": status.meters_dp_kpa,
        "water_temp_upstream_c": status.water_temp_upstream_c,
        "water_temp_downstream_c": status.water_temp_downstream_c,
        "tank_temp_c": status.tank_temp_c,
        "ambient_temp_c": status.ambient_temp_c,
        "pump_speed_percent": status.pump_speed_percent,
        "weigh_tank_level_percent": status.weigh_tank_level_percent,
        "leak_rate_kpa_min": status.leak_rate_kpa_min,
        **{f"valve_{line.lower()}_percent": part for line, part in status.valve_position_percent.items()},
    }


def chamber_values(status: ChamberStatus) -> Values:
    """A row of the trace ``chamber``."""
    values = {
        "air_temp_c": status.temp_c,
        "setpoint_c": status.setpoint_c if status.running else math.nan,
        "running": float(status.running),
    }
    if not math.isnan(status.humidity_percent):
        values["humidity_percent"] = status.humidity_percent
    return values


def source_of(role: str) -> str:
    """What the trace of an instrument is called."""
    return role.replace(" ", "_")


def _master(instrument: Instrument) -> Values:
    seen = cast(MasterMeter, instrument).read()
    return {
        "flow_l_h": seen.flow_l_h,
        "volume_l": seen.volume_l,
        "water_temp_c": seen.water_temp_c,
        "density_kg_m3": seen.density_kg_m3,
    }


def _pressure(instrument: Instrument) -> Values:
    return {"pressure_kpa": cast(ReferencePressure, instrument).pressure_kpa()}


def _probe(instrument: Instrument) -> Values:
    return {"probe_ohm": cast(ResistanceThermometer, instrument).resistance_ohm()}


def _supply(instrument: Instrument) -> Values:
    seen = cast(Supply, instrument).measure()
    return {"voltage_v": seen.voltage_v, "current_ma": seen.current_ma}


_LOOKS: Mapping[str, Callable[[Instrument], Values]] = {
    "thermometer": _probe,
    "master_a": _master,
    "master_b": _master,
    "master_c": _master,
    "pressure": _pressure,
    "chamber_probe": _probe,
    "supply": _supply,
    "aux_supply": _supply,
}


@dataclass(slots=True)
class _Seat:
    """One instrument that is looked at."""

    instrument: Instrument
    look: Callable[[Instrument], Values]
    failures: int = 0
    """In a row."""
    next_s: float = 0.0
    """Not before; by the station's clock."""


class Looking:
    """Looks at everything that the watch does not look at on the clock, and tells the traces. A look that fails is a
    row that says so: whatever a result rests on is read, and judged, by itself. The heart beats between two
    instruments, and one that does not answer is asked ever more seldom: each time it holds up the sequence for its
    whole deadline."""

    def __init__(self, instruments: Mapping[str, Sequence[Instrument]], clock: Clock) -> None:
        self._seats = [
            _Seat(instrument, _LOOKS[role])
            for role, of_role in instruments.items()
            if role in _LOOKS
            for instrument in of_role
        ]
        self._clock = clock
        self._period_s = VIRTUAL_PERIOD_S if clock.speed is None else PERIOD_S
        self._job: Job | None = None

    def start(self, sink: Sink) -> None:
        """Look once, then at every period."""
        self._look(sink)
        self._job = self._clock.every(
            self._period_s, lambda: self._look(sink), steady_period_s=STEADY_PERIOD_S, lazy=True
        )

    def stop(self) -> None:
        """Look no more; safe to call twice."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _look(self, sink: Sink) -> None:
        for seat in self._seats:
            self._clock.run_vital_jobs()
            if seat.failures and self._clock.now_s() < seat.next_s:
                continue
            source = source_of(seat.instrument.role)
            try:
                values = seat.look(seat.instrument)
            except InterlockTripped:
                raise
            except BenchError as error:
                seat.failures += 1
                pause_s = min(self._period_s * 2.0**seat.failures, LONGEST_PAUSE_S)
                seat.next_s = self._clock.now_s() + pause_s
                sink.keep(source, {"fault": str(error)})
            else:
                seat.failures = 0
                sink.keep(source, values)
