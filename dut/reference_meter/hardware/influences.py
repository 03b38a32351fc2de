"""What the surroundings do to one unit: the state that they have brought it into, and what that changes of its shots.

Only what a good calibration in the factory cannot take away is here. A good unit answers a little to everything, by
figures of its own (``draw_susceptibility``); what ``Truth`` adds makes it a bad one. Nothing here acts on a unit that
lies at 20 degC in dry air, new, at the calibration's pressure, with forward flow and full batteries.

Time comes by ``come_to``: before ``next_change_s`` nothing changes by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from meterbench.dut.reference_meter.array_types import Array, Numbers
from meterbench.dut.reference_meter.hardware.dampness import Dampness
from meterbench.dut.reference_meter.hardware.flow_tube import REFERENCE_TEMP_C
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.world.water import ATMOSPHERE_MPA

CALIBRATION_MPA = 0.5
"""Absolute pressure on the calibration rig."""
BODY_PERCENT_MPA = -0.035
"""[design] The throat widens under pressure: p r / (t E) = 1.75/10e3 of its diameter a MPa for 10 GPa (metering.md
2.1), twice that of its area. Sound sees less velocity."""
HIGH_PRESSURE_MPA = ATMOSPHERE_MPA + 0.3
MAGNET_MT = 20.0
TINY_L_H = 1e-9
"""Far below what any flow is; still water has no direction."""
HOT_C, COLD_C = 45.0, 0.0
LOW_SUPPLY_V = 3.2
DISCHARGE_KV = 4.0
DISCHARGE_NOISE, DISCHARGE_NOISE_S = 5.0, 0.25
"""[design] A good unit's noise is so many times its own, for so long after a discharge: no reset."""
FIELD_V_M = 10.0
FIELD_NOISE = 0.3
"""[design] So much more noise in ``FIELD_V_M``, with the square of the field, at any frequency."""
FIELD_MHZ = (350.0, 500.0)
"""[design] Where the leads of the transducers are a quarter of a wave: there the field may be taken for signal."""
WEAR_STEP_M3 = 1.0
"""Wear acts in steps of so much: shots of one stretch are alike."""
START_M3 = 1e-3
"""[design] A start from rest wears as much as so much volume does: 100 000 of them as 100 m3."""
WEAR_AMPLITUDE_1000_M3 = 0.01
"""[design] Part of the amplitude that the transducers lose to deposits, for 1000 m3; ``LEAST_AMPLITUDE`` is left."""
LEAST_AMPLITUDE = 0.8
DOWNSTREAM = 1.0 / 3.0
"""[design] Of what a disturber does upstream."""
DISTURBER_SIGNS = {"1": 1.0, "2": -1.0, "3": 1.0}
"""Swirl to the left, swirl to the right, blocked on one side (iso4064.md 2.5)."""
PLACES = {"upstream": 1.0, "downstream": DOWNSTREAM}
SWIRL_PERCENT = (0.2, 0.4)
"""[design] Range over units: an axial path sees little of a swirl, and of a lopsided profile what it does not average
out (metering.md 2.4)."""
REVERSE_SD_PERCENT = 0.05
WEAR_SD_PERCENT_1000_M3 = 0.05
WEAR_SD_PS_1000_M3 = 0.2
MAGNET_SD_PERCENT = 0.02
HEAT_SD_PERCENT_K = 0.01
COLD_SD_PERCENT_K = 0.006
DAMP_SD_PERCENT = 0.1
LOW_SUPPLY_SD_PERCENT_V = 0.1
"""[design] All of them: at most a tenth of the error that is allowed where the test is (iso4064.md 2.4..2.8)."""


@dataclass(frozen=True, slots=True)
class Susceptibility:
    """How much of each influence a unit shows. Units as in ``Truth``; the default shows none."""

    body_percent_mpa: float = 0.0
    reverse_percent: float = 0.0
    swirl_percent: float = 0.0
    wear_percent_1000_m3: float = 0.0
    wear_ps_1000_m3: float = 0.0
    magnet_percent: float = 0.0
    heat_percent_k: float = 0.0
    cold_percent_k: float = 0.0
    damp_percent: float = 0.0
    low_supply_percent_v: float = 0.0


def draw_susceptibility(rng: np.random.Generator) -> Susceptibility:
    """A good unit's."""
    reverse, wear, wear_zero, magnet, heat, cold, damp, low_supply = (float(x) for x in rng.standard_normal(8))
    return Susceptibility(
        body_percent_mpa=BODY_PERCENT_MPA,
        reverse_percent=REVERSE_SD_PERCENT * reverse,
        swirl_percent=float(rng.uniform(*SWIRL_PERCENT)),
        wear_percent_1000_m3=WEAR_SD_PERCENT_1000_M3 * wear,
        wear_ps_1000_m3=WEAR_SD_PS_1000_M3 * wear_zero,
        magnet_percent=MAGNET_SD_PERCENT * magnet,
        heat_percent_k=HEAT_SD_PERCENT_K * heat,
        cold_percent_k=COLD_SD_PERCENT_K * cold,
        damp_percent=DAMP_SD_PERCENT * damp,
        low_supply_percent_v=LOW_SUPPLY_SD_PERCENT_V * low_supply,
    )


class Influences:
    """What surrounds one unit, and what is left of it: wear and damp. ``shown`` is a good unit's part."""

    def __init__(self, shown: Susceptibility | None = None, truth: Truth | None = None) -> None:
        shown, truth = shown or Susceptibility(), truth or Truth()
        self._truth = truth
        self._body_percent_mpa = shown.body_percent_mpa
        self._reverse_percent = shown.reverse_percent + truth.reverse_gain_percent
        self._swirl_percent = shown.swirl_percent + truth.swirl_percent
        self._wear_percent_m3 = 1e-3 * (shown.wear_percent_1000_m3 + truth.wear_percent_1000_m3)
        self._wear_ps_m3 = 1e-3 * shown.wear_ps_1000_m3
        self._magnet_percent = shown.magnet_percent + truth.magnet_percent
        self._heat_percent_k = shown.heat_percent_k + truth.heat_percent_k
        self._cold_percent_k = shown.cold_percent_k + truth.cold_percent_k
        self._damp_percent = shown.damp_percent + truth.damp_percent
        self._low_supply_percent_v = shown.low_supply_percent_v + truth.low_supply_percent_v
        self._plain = shown == Susceptibility() and truth == Truth()
        self._now_s = 0.0
        self._air_temp_c = 20.0
        self._dampness = Dampness()
        self._field_mt = 0.0
        self._disturbance = 0.0
        self._source_v = math.inf
        self._in_field = 0.0
        self._in_band = False
        self._upset_until_s = self._noisy_until_s = -math.inf
        self._worn_m3, self._next_step_m3 = 0.0, WEAR_STEP_M3
        self._flowed = False
        self._steady_percent = 0.0
        self.noise_factor = 1.0
        """Of a shot's noise."""
        self.amplitude = 1.0
        """Of the bursts, beside those of ``Truth``."""
        self.offset_ps = 0.0
        """What wear has added to the zero."""
        self.next_change_s = math.inf
        """When something will change by itself; inf if nothing will."""
        self.upset = False
        """True while a discharge keeps the unit from measuring: it sees still water."""

    # What it does.

    def gain_percent(self, flow_l_h: Numbers, water_temp_c: Numbers, pressure_mpa: Numbers) -> Numbers:
        """Gain in water that flows so, at an absolute pressure; arrays give arrays."""
        percent: Numbers = self._steady_percent
        if self._plain:
            return percent
        percent = percent + self._reverse_percent * _below_zero(flow_l_h)
        if self._truth.reverse_offset_l_h != 0.0:
            share: Numbers = _below_zero(flow_l_h) / (np.abs(flow_l_h) + TINY_L_H)
            percent = percent + 100.0 * self._truth.reverse_offset_l_h * share
        percent = percent + self._body_percent_mpa * (pressure_mpa - CALIBRATION_MPA)
        percent = percent + self._truth.gain_slope_percent_k * (water_temp_c - REFERENCE_TEMP_C)
        if self._truth.gain_percent_mpa != 0.0:
            above_mpa = pressure_mpa - HIGH_PRESSURE_MPA
            percent = percent + self._truth.gain_percent_mpa * above_mpa * _below_zero(-above_mpa)
        return percent

    # Time.

    def begin(self, start_s: float) -> None:
        """Life begins now, in the surroundings as they are."""
        self._now_s = start_s
        self._dampness.begin(start_s)
        self._settle()

    def come_to(self, now_s: float) -> None:
        """Let time come to here: what was due has happened."""
        self._now_s = now_s
        self._settle()

    # What is done to it, now.

    def warm(self, air_temp_c: float) -> None:
        """The air around it has this temperature, degC."""
        self._air_temp_c = air_temp_c
        self._dampness.surround(self._now_s, self._dampness.humidity_percent, air_temp_c)
        self._settle()

    def moisten(self, humidity_percent: float) -> None:
        """The air around it has this relative humidity; ``ValueError`` beyond 0 to 100 %."""
        self._dampness.surround(self._now_s, humidity_percent, self._air_temp_c)
        self._settle()

    def expose(self, field_mt: float) -> None:
        """The magnetic field at the Hall switch."""
        self._field_mt = field_mt
        self._settle()

    def disturb(self, disturber: str, place: str) -> None:
        """A flow disturber beside it, "1", "2" or "3", "upstream" or "downstream"; both empty: none. ``ValueError`` for
        others."""
        if (disturber, place) == ("", ""):
            self._disturbance = 0.0
        elif disturber in DISTURBER_SIGNS and place in PLACES:
            self._disturbance = DISTURBER_SIGNS[disturber] * PLACES[place]
        else:
            raise ValueError(f"disturbers are 1, 2, 3, upstream or downstream, not {disturber!r} {place!r}")
        self._settle()

    def irradiate(self, frequency_mhz: float, level_v_m: float) -> None:
        """A radio-frequency field; 0 V/m: none. ``ValueError`` below that, or without a frequency."""
        if not (frequency_mhz > 0.0 and 0.0 <= level_v_m < math.inf):
            raise ValueError(f"a field has a frequency and at least 0 V/m, not {level_v_m} V/m at {frequency_mhz} MHz")
        self._in_field = (level_v_m / FIELD_V_M) ** 2
        self._in_band = FIELD_MHZ[0] <= frequency_mhz <= FIELD_MHZ[1]
        self._settle()

    def discharge(self, level_kv: float) -> None:
        """An electrostatic discharge of either sign."""
        if abs(level_kv) >= DISCHARGE_KV:
            self._noisy_until_s = self._now_s + DISCHARGE_NOISE_S
            self._upset_until_s = self._now_s + self._truth.esd_upset_s
        self._settle()

    def feed(self, source_v: float) -> None:
        """The source that feeds it has this voltage at its terminals."""
        low = min(source_v, self._source_v) < LOW_SUPPLY_V
        self._source_v = source_v
        if low:
            self._settle()

    def wear(self, volume_l: float, starts: int = 0) -> None:
        """So much has passed, in either direction, with so many starts from rest."""
        self._worn_m3 += 1e-3 * volume_l + START_M3 * starts
        if self._worn_m3 >= self._next_step_m3:
            self._settle()

    def start(self, flow_l_h: float) -> int:
        """1 if water starts from rest with this flow, after what flowed last, else 0; it flowed last then."""
        flowed, self._flowed = self._flowed, flow_l_h != 0.0
        return int(self._flowed and not flowed)

    def starts(self, flow_l_h: Array) -> int:
        """The same of several flows, one after the other."""
        first = self.start(float(flow_l_h[0]))
        flows = flow_l_h != 0.0
        self._flowed = bool(flows[-1])
        return first + int(np.count_nonzero(flows[1:] & ~flows[:-1]))

    def _settle(self) -> None:
        """Put together what does not depend on the water."""
        worn_m3 = math.floor(self._worn_m3 / WEAR_STEP_M3) * WEAR_STEP_M3
        self._next_step_m3 = worn_m3 + WEAR_STEP_M3
        percent = self._wear_percent_m3 * worn_m3
        percent += self._swirl_percent * self._disturbance
        percent += self._heat_percent_k * max(0.0, self._air_temp_c - HOT_C)
        percent += self._cold_percent_k * max(0.0, COLD_C - self._air_temp_c)
        percent += self._low_supply_percent_v * max(0.0, LOW_SUPPLY_V - self._source_v)
        if abs(self._field_mt) >= MAGNET_MT:
            percent += self._magnet_percent
        if self._dampness.damp(self._now_s):
            percent += self._damp_percent
        if self._in_band:
            percent += self._truth.field_percent * self._in_field
        self._steady_percent = percent
        self.offset_ps = self._wear_ps_m3 * worn_m3
        self.amplitude = max(LEAST_AMPLITUDE, 1.0 - 1e-3 * WEAR_AMPLITUDE_1000_M3 * worn_m3)
        self.noise_factor = 1.0 + FIELD_NOISE * self._in_field
        if self._now_s < self._noisy_until_s:
            self.noise_factor *= DISCHARGE_NOISE
        self.upset = self._now_s < self._upset_until_s
        ends = (self._upset_until_s, self._noisy_until_s, self._dampness.changes_at_s)
        self.next_change_s = min((at_s for at_s in ends if at_s > self._now_s), default=math.inf)


def _below_zero(number: Numbers) -> Numbers:
    """1 for numbers below zero, else 0."""
    return (number < 0.0).astype(np.float64) if isinstance(number, np.ndarray) else float(number < 0.0)
