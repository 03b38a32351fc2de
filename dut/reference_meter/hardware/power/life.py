"""Life on paper (metering.md 5.4): a constant current, and self-discharge on the charge that is left.

Whole nominal capacities: a cell in the cold, or near its end, gives less. power.md says what that means.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from meterbench.dut.reference_meter.hardware.power.capacitor import LEAKAGE_MA
from meterbench.dut.reference_meter.hardware.power.cell import HOURS_A_YEAR, cell_type
from meterbench.dut.reference_meter.hardware.power.loads import Loads
from meterbench.dut.reference_meter.hardware.power.supply import TEST_MAH
from meterbench.dut.reference_meter.metrology.power.activity import Activity, Radio

CHECK_MA = TEST_MAH
"""One check an hour."""
MINUTE_S, HOUR_S = 60.0, 3600.0
BLE_SCHEDULE = (Radio.BLE_ADVERTISING, 24.0)
"""[design] One advertising event a second in one hour of a day."""
SENDINGS: tuple[tuple[str, str, tuple[tuple[Radio, float], ...]], ...] = (
    ("none", "", ()),
    *(
        (f"LoRa SF{spreading_factor}", interval, ((Radio(f"lora_sf{spreading_factor}"), interval_s),))
        for spreading_factor in (7, 10, 12)
        for interval, interval_s in (("12 h", 12 * HOUR_S), ("1 h", HOUR_S), ("15 min", 15 * MINUTE_S))
    ),
    *(
        ("NB-IoT", f"{hours} h", ((Radio.NB_IOT, hours * HOUR_S),))
        for hours in (24, 12, 1)
    ),
    *(
        ("wM-Bus C1", interval, ((Radio.WMBUS_C1, interval_s),))
        for interval, interval_s in (("20 s", 20.0), ("60 s", MINUTE_S), ("15 min", 15 * MINUTE_S))
    ),
    ("BLE permanent", "1 s", ((Radio.BLE_ADVERTISING, 1.0),)),
    ("BLE one hour a day", "1 s", (BLE_SCHEDULE,)),
)  # fmt: skip
"""What is sent, how often it is said to be, and what the meter does."""


def life_years(charge_mah: float, load_ma: float, self_discharge_per_year: float) -> float:
    """How long a charge lasts."""
    drawn_mah = load_ma * HOURS_A_YEAR
    if self_discharge_per_year == 0.0:
        return charge_mah / drawn_mah
    return math.log1p(self_discharge_per_year * charge_mah / drawn_mah) / self_discharge_per_year


def needed_mah(life_years: float, load_ma: float, self_discharge_per_year: float) -> float:
    """The charge that lasts so long."""
    drawn_mah = load_ma * HOURS_A_YEAR
    if self_discharge_per_year == 0.0:
        return life_years * drawn_mah
    return drawn_mah * math.expm1(self_discharge_per_year * life_years) / self_discharge_per_year


def left_mah(charge_mah: float, load_ma: float, self_discharge_per_year: float, after_years: float) -> float:
    """What is left of a charge; not below zero."""
    spent_mah = needed_mah(after_years, load_ma, self_discharge_per_year)
    return max(0.0, (charge_mah - spent_mah) * math.exp(-self_discharge_per_year * after_years))


@dataclass(frozen=True, slots=True)
class Life:
    """Mean current of the meter, and how many years it lasts on each set of batteries."""

    sending: str
    interval: str
    mean_ua: float
    c1: float
    c1_c2: float
    external_c1: float


def lives() -> Iterator[Life]:
    """The table of power.md: a nominal unit with water in its pipe, by what it sends."""
    for sending, interval, transmissions in SENDINGS:
        mean_ma = Loads().demand(Activity(8.0, lcd=True, transmissions=transmissions)).mean_ma
        yield life_of(sending, interval, mean_ma)


def life_of(sending: str, interval: str, mean_ma: float) -> Life:
    """One row: the capacitor's leakage and the checks come on top of the mean current."""
    c, aa = cell_type("LS26500"), cell_type("LS14500")
    rate = c.self_discharge_per_year
    fed_ma = mean_ma + LEAKAGE_MA
    on_external = life_years(2.0 * aa.capacity_mah, fed_ma + CHECK_MA, aa.self_discharge_per_year)
    c1_left_mah = left_mah(c.capacity_mah, CHECK_MA, rate, on_external)
    return Life(
        sending,
        interval,
        1e3 * mean_ma,
        c1=life_years(c.capacity_mah, fed_ma + CHECK_MA, rate),
        c1_c2=life_years(2.0 * c.capacity_mah, fed_ma + 2.0 * CHECK_MA, rate),
        external_c1=on_external + life_years(c1_left_mah, fed_ma + CHECK_MA, rate),
    )
