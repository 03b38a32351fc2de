"""A reference meter that lives beside a meter in the line: in the water that the bench measured, in the same hands.

It is a good unit with the same nameplate, and another unit than any that may be in a line. Temperatures degC, gauge
pressures kPa, flows L/h, volumes L.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from meterbench.bench.measured_water import Stretch, Water
from meterbench.bench.supplied_meter import SuppliedMeter
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.power.pack import fresh_pack
from meterbench.dut.reference_meter.hardware.power.supply import FITS, Place
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.interface import TAMPER, Refused
from meterbench.instruments.supply.fed_load import Output
from meterbench.world.segment import Course, Segment

SEED = 4064
_NOBODY = "reference meter beside the meter with serial {}"
"""Longer than a serial number may be in a station file: no meter in a simulated line is the same unit."""
MAGNET_MT = 95.0
"""Field of a test magnet against the meter at its Hall switch, wherever it is put (iso4064.md 2.8: 90..100 mT)."""
AIR_STEP_K, AIR_STEP_PERCENT, SUPPLY_STEP_V = 0.5, 5.0, 0.02
"""Smaller changes of the surroundings than these are noise: each that it is told of makes it live through what was."""
OFF_BELOW_V = 0.5
SWITCHING_STEP_V = 0.3
LIMIT_MA = 1000.0

Details = Mapping[str, str | float]


class MeterBeside:
    """The reference meter beside the meter in one slot."""

    def __init__(self, nameplate: Nameplate, place: float, air_pressure_hpa: float) -> None:
        """``place`` in the line: 0 before the first meter, 1 after the last."""
        self.nameplate = nameplate
        """Of the meter in the line."""
        twin = replace(nameplate, serial=_NOBODY.format(nameplate.serial))
        self._meter = ReferenceMeter(twin, seed=SEED, fidelity=Fidelity.AUTO)
        self._supplied = SuppliedMeter(self._meter)
        self._place = place
        self._air_pressure_mpa = air_pressure_hpa / 1e4
        self._air_temp_c = self._humidity_percent = self._supply_v = math.nan
        self._now_s = 0.0
        self._drained = self._taken_out = False
        self.reversed = False
        """Clamped with its arrow against the flow."""
        self.fed = False
        """By a laboratory supply, now or before."""

    # What it lives through.

    def live(self, stretches: Sequence[Stretch]) -> None:
        """All of them, without a gap after what it has lived through before."""
        if not stretches:
            return
        self._now_s = stretches[-1].end_s
        if self._drained:
            for stretch in stretches:
                still = 0.0, self._temp_c(stretch.water), self._air_pressure_mpa
                self._meter.advance(Segment(stretch.start_s, stretch.end_s - stretch.start_s, *still, fill=0.0))
        else:
            waters = [stretch.water for stretch in stretches]
            self._meter.live(
                Course(
                    np.array([stretches[0].start_s, *(stretch.end_s for stretch in stretches)]),
                    self._direction * np.array([water.flow_l_h for water in waters]),
                    np.array([self._temp_c(water) for water in waters]),
                    np.array([self._pressure_mpa(water) for water in waters]),
                )
            )

    @property
    def _direction(self) -> float:
        return 0.0 if self._taken_out else -1.0 if self.reversed else 1.0

    def _temp_c(self, water: Water) -> float:
        return water.upstream_c + self._place * (water.downstream_c - water.upstream_c)

    def _pressure_mpa(self, water: Water) -> float:
        """Absolute, at its place in the line."""
        gauge_kpa = water.upstream_kpa + self._place * (water.downstream_kpa - water.upstream_kpa)
        return self._air_pressure_mpa + max(0.0, gauge_kpa) / 1000.0

    def feels_air(self, temp_c: float, humidity_percent: float = math.nan) -> bool:
        """True if air like this differs from what is around it: let it live up to now before it is ``surrounded``."""
        return _changed(temp_c, self._air_temp_c, AIR_STEP_K) or _changed(
            humidity_percent, self._humidity_percent, AIR_STEP_PERCENT
        )

    def surround(self, temp_c: float, humidity_percent: float = math.nan) -> None:
        """The air around it is like this from now on; NaN: as before."""
        if _changed(temp_c, self._air_temp_c, AIR_STEP_K):
            self._meter.set_ambient(temp_c)
            self._air_temp_c = temp_c
        if _changed(humidity_percent, self._humidity_percent, AIR_STEP_PERCENT):
            self._meter.set_humidity(min(max(humidity_percent, 0.0), 100.0))
            self._humidity_percent = humidity_percent

    def feels_supply(self, voltage_v: float) -> bool:
        """As ``feels_air``, of the supply that stands beside it."""
        return _changed(voltage_v, self._supply_v, SUPPLY_STEP_V)

    def feed(self, voltage_v: float) -> bool:
        """Its supply gives so much from now on; until it has given something once the meter lives on its own batteries.

        True if that may have switched it on or off, nobody knows when since the last look.
        """
        on_or_off = self.fed and abs(voltage_v - self._supply_v) > SWITCHING_STEP_V
        self._supply_v = voltage_v
        self.fed = self.fed or voltage_v > OFF_BELOW_V
        self._supplied.feed(Output(voltage_v if voltage_v > OFF_BELOW_V else 0.0, 0.0, LIMIT_MA))
        return on_or_off

    def follow(self, task: str, details: Details) -> None:
        """What was done to the meter in the line is done to it, now; what a good unit does not heed is left out.

        ``Refused`` or ``ValueError`` for what it does not allow, or what cannot be done to it as it is.
        """
        if task in _HANDS:
            _HANDS[task](self, details)

    def _turn_round(self, details: Details) -> None:
        self.reversed = details["direction"] == "reverse"

    def _take_out(self, _: Details) -> None:
        self._taken_out = True

    def _put_in(self, _: Details) -> None:
        self._taken_out = self.reversed = False

    def _put_back(self, _: Details) -> None:
        self._taken_out = False

    def _drain(self, _: Details) -> None:
        self._drained = True

    def _fill(self, _: Details) -> None:
        self._drained = False

    def _incline(self, details: Details) -> None:
        self._meter.turn(float(details["inclination_deg"]))

    def _disturb(self, details: Details) -> None:
        self._meter.disturb(str(details.get("disturber", "")), str(details.get("place", "")))

    def _magnet_on(self, _: Details) -> None:
        self._meter.expose(MAGNET_MT)

    def _magnet_off(self, _: Details) -> None:
        self._meter.expose(0.0)

    def _open_case(self, _: Details) -> None:
        self._meter.open_case()

    def _close_case(self, _: Details) -> None:
        self._meter.close_case()

    def _set_mode(self, details: Details) -> None:
        match details["mode"]:
            case "TEST":
                self._meter.commands.enter_test()
            case "TRANSPORTATION":
                self._meter.commands.enter_transportation()
            case _:
                self._meter.commands.leave_test()

    def _acknowledge(self, _: Details) -> None:
        self._meter.commands.acknowledge(TAMPER)

    def _move_valve(self, details: Details) -> None:
        self._meter.close_valve(details["position"] == "closed")

    def _drain_capacitor(self, _: Details) -> None:
        self._meter.fail_supply()

    def _insert_source(self, details: Details) -> None:
        place = _source(details)
        self._meter.insert(place, fresh_pack(FITS[place]))

    def _remove_source(self, details: Details) -> None:
        self._meter.remove(_source(details))

    def _connect_supply(self, details: Details) -> None:
        self._supplied.connect(_source(details))

    def _disconnect_supply(self, _: Details) -> None:
        self._supplied.disconnect()

    # What it predicts.

    def indicated_l(self) -> float:
        """What a collection reads of it, since some beginning: by its pulses, which count forward water only, or, while
        it is clamped against the flow, by its reverse register. NaN while it is without supply."""
        if self.reversed:
            return self.register_l(reverse=True)
        return self._meter.pulse_count(self._now_s) * self.nameplate.pulse_volume_ml / 1000.0

    def register_l(self, *, reverse: bool) -> float:
        """Its forward or reverse total; NaN while it is without supply."""
        try:
            registers = self._meter.registers()
        except Refused:
            return math.nan
        return registers.reverse_l if reverse else registers.forward_l

    def icons(self) -> frozenset[str]:
        """What its display shows at one glance, in lower case."""
        return frozenset(icon.casefold() for icon in self._meter.look().icons)


def _changed(now: float, before: float, step: float) -> bool:
    """A NaN now tells nothing; a NaN before was nothing yet."""
    return math.isfinite(now) and not abs(now - before) < step


def _source(details: Details) -> Place:
    return Place[str(details["source"]).upper()]


_HANDS: dict[str, Callable[[MeterBeside, Details], None]] = {
    "mount": MeterBeside._put_in,
    "turn_round": MeterBeside._turn_round,
    "incline": MeterBeside._incline,
    "fit_disturber": MeterBeside._disturb,
    "remove_disturber": MeterBeside._disturb,
    "take_out": MeterBeside._take_out,
    "put_back": MeterBeside._put_back,
    "drain_line": MeterBeside._drain,
    "fill_line": MeterBeside._fill,
    "magnet_on": MeterBeside._magnet_on,
    "magnet_off": MeterBeside._magnet_off,
    "set_mode": MeterBeside._set_mode,
    "open_case": MeterBeside._open_case,
    "close_case": MeterBeside._close_case,
    "acknowledge": MeterBeside._acknowledge,
    "move_valve": MeterBeside._move_valve,
    "drain_capacitor": MeterBeside._drain_capacitor,
    "insert_source": MeterBeside._insert_source,
    "remove_source": MeterBeside._remove_source,
    "connect_supply": MeterBeside._connect_supply,
    "disconnect_supply": MeterBeside._disconnect_supply,
}
"""By the name of the task (``instruments.operator.tasks``)."""
