"""A lithium thionyl chloride cell: charge, loaded voltage, self-discharge and passivation (metering.md 5.1).

V = OCV(soc) - I R(T, soc) - V_p with V_p = I R_film(T), [design]. At rest a film grows on the lithium; charge drawn
removes it, exp(-q/q_p). That V_p goes with the current is our reading of "worse for higher current": a film that took
a fixed voltage would block a cell that only has to give some microamperes.
Left out: that large currents (tens of mA) get less out of a cell. The pulse capacitor keeps them away from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from meterbench.dut.reference_meter.hardware.power.figures import read_figures

HOURS_A_YEAR = 8766.0
SECONDS_A_YEAR = 3600.0 * HOURS_A_YEAR

OCV_SOC = (0.0, 0.05, 0.10)
OCV_V = (2.0, 3.55, 3.66)
"""[design] Open-circuit voltage over the state of charge: flat down to the knee, then a cliff; straight between."""
KNEE_SOC = OCV_SOC[-1]
EMPTY_SOC = 0.001
"""[design] Below, a cell gives nothing any more."""
COLD_FACTOR = 4.0
"""[design] Resistance at -25 degC over that at 25 degC, exponential between and beyond (metering.md: 3 to 5)."""
EMPTY_FACTOR = 3.0
"""[design] Resistance of an empty cell over that of one above the knee, straight between."""
FILM_MATTERS_V = 0.01
"""A film that takes less may be taken as constant."""


@dataclass(frozen=True, slots=True)
class CellType:
    """What cells of a type have in common (``cells.toml``); resistances at 25 degC."""

    name: str
    capacity_mah: float
    self_discharge_per_year: float
    """Part of the charge that is left."""
    resistance_ohm: float
    film_ohm: float
    """Of a fully grown film."""
    film_charge_mah: float
    """q_p: what removes all but 37 % of a film."""
    film_growth_years: float
    """In which a film at rest grows to 63 %."""


@cache
def cell_type(name: str) -> CellType:
    """A type by its name in ``cells.toml``; ``KeyError`` for another."""
    return CellType(name, **{field: figure.value for field, figure in read_figures("cells.toml")[name].items()})


def temperature_factor(temp_c: float) -> float:
    """Resistance over that at 25 degC."""
    return float(COLD_FACTOR ** ((25.0 - temp_c) / 50.0))


@dataclass(slots=True, eq=False)
class Cell:
    """One cell; new at first."""

    type: CellType
    used_mah: float = 0.0
    lost_mah: float = 0.0
    """By self-discharge."""
    film: float = 0.0
    """How much of a fully grown film there is, 0..1."""

    @property
    def remaining_mah(self) -> float:
        return self.type.capacity_mah - self.used_mah - self.lost_mah

    @property
    def soc(self) -> float:
        """State of charge, 1 for a new cell."""
        return self.remaining_mah / self.type.capacity_mah

    @property
    def open_v(self) -> float:
        """Voltage without load; 0 for an empty cell."""
        soc = self.soc
        if soc >= KNEE_SOC:
            return OCV_V[-1]
        return float(np.interp(soc, OCV_SOC, OCV_V)) if soc > EMPTY_SOC else 0.0

    def resistance_ohm(self, temp_c: float) -> float:
        """Resistance with the film."""
        return (self._own_ohm + self.film * self.type.film_ohm) * temperature_factor(temp_c)

    def voltage_v(self, load_ma: float, temp_c: float) -> float:
        """Voltage under a load; 0 if the cell cannot give so much."""
        return max(0.0, self.open_v - 1e-3 * load_ma * self.resistance_ohm(temp_c))

    def age(self, duration_s: float, drawn_mah: float) -> None:
        """Live through a time in which a charge is drawn evenly: exact, however it is cut into steps."""
        years = duration_s / SECONDS_A_YEAR
        ageing = self.type.self_discharge_per_year * years
        if ageing > 0.0:
            gone = -math.expm1(-ageing)
            self.lost_mah += self.remaining_mah * gone - drawn_mah * (1.0 - gone / ageing)
        self.used_mah += drawn_mah
        grown = years / self.type.film_growth_years
        exchanged = grown + drawn_mah / self.type.film_charge_mah
        if exchanged > 0.0:
            self.film += (self.film - grown / exchanged) * math.expm1(-exchanged)

    def steady_s(self, current_ma: float, temp_c: float) -> float:
        """For how long at this current the cell may be taken as it is: a voltage behind a resistance."""
        capacity_mah, soc = self.type.capacity_mah, self.soc
        rate_ma = current_ma + self.type.self_discharge_per_year * self.remaining_mah / HOURS_A_YEAR
        if rate_ma <= 0.0 or soc <= EMPTY_SOC:
            return math.inf
        charge_mah = capacity_mah * max(soc - KNEE_SOC, EMPTY_SOC)
        film_v = 1e-3 * current_ma * self.film * self.type.film_ohm * temperature_factor(temp_c)
        if film_v > FILM_MATTERS_V:
            charge_mah = min(charge_mah, 0.25 * self.type.film_charge_mah)
        return 3600.0 * charge_mah / rate_ma

    @property
    def _own_ohm(self) -> float:
        emptied = min(max(1.0 - self.soc / KNEE_SOC, 0.0), 1.0)
        return self.type.resistance_ohm * (1.0 + (EMPTY_FACTOR - 1.0) * emptied)
