"""What a unit's consumers really draw (metering.md 5.3): the firmware counts with nominal figures of its own.

Left out: the receive windows of LoRa after each transmission (some 8 % on top at SF12).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from meterbench.dut.reference_meter.hardware.power.figures import read_figures
from meterbench.dut.reference_meter.metrology.power.activity import Activity, Radio

SPREAD = 0.05
"""[design] Units lie evenly within +-5 % of each figure."""
BANDWIDTH_HZ = 125_000.0
PREAMBLE_SYMBOLS = 8 + 4.25
CONSUMERS = ("base", "shot", "lcd", "lora", "nb_iot", "wmbus", "ble", "nfc")
"""What differs from unit to unit on its own."""


@dataclass(frozen=True, slots=True)
class Event:
    """One transmission: its charge, and the highest current in it."""

    charge_mc: float
    peak_ma: float


@dataclass(frozen=True, slots=True)
class Demand:
    """What an activity draws."""

    mean_ma: float
    peak_ma: float


def lora_time_on_air_s(spreading_factor: int, payload_bytes: int) -> float:
    """125 kHz, coding rate 4/5, explicit header, CRC (metering.md 5.3); low data rate optimisation at SF11 and 12."""
    low_rate = 1 if spreading_factor >= 11 else 0
    bits = 8 * payload_bytes - 4 * spreading_factor + 28 + 16
    symbols = 8 + max(math.ceil(bits / (4 * (spreading_factor - 2 * low_rate))) * 5, 0)
    symbol_s = (1 << spreading_factor) / BANDWIDTH_HZ
    return (PREAMBLE_SYMBOLS + symbols) * symbol_s


def nb_iot_attach() -> tuple[float, float]:
    """Current in mA and duration in s of the longest pulse there is: an attach where the coverage is poor."""
    modem = _values("nb_iot")
    return modem["transmit_ma"], modem["repetition_s"]


class Loads:
    """The consumers of a unit; ``factors`` is how much more than nominal each of ``CONSUMERS`` draws."""

    def __init__(self, factors: Mapping[str, float] | None = None) -> None:
        self._factors = dict.fromkeys(CONSUMERS, 1.0) | dict(factors or {})
        self._meter = _values("meter")
        self._demands: dict[Activity, Demand] = {}
        self._sleep_ma = {consumer: 1e-3 * _values(consumer)["sleep_ua"] for consumer in ("lora", "nb_iot")}

    @property
    def shot_mc(self) -> float:
        """Charge of one measuring cycle of this unit."""
        return 1e-3 * self._factors["shot"] * self._meter["shot_uc"]

    def event(self, radio: Radio) -> Event:
        """One transmission of this unit."""
        consumer = consumer_of(radio)
        nominal, factor = _nominal_event(radio), self._factors[consumer]
        return Event(factor * nominal.charge_mc, factor * nominal.peak_ma)

    def demand(self, activity: Activity) -> Demand:
        """Mean and highest current of an activity. A modem in use sleeps between its transmissions."""
        if activity not in self._demands:
            self._demands[activity] = self._demand(activity)
        return self._demands[activity]

    def _demand(self, activity: Activity) -> Demand:
        factors, meter = self._factors, self._meter
        standing_ma = 1e-3 * (
            factors["base"] * meter["base_ua"]
            + factors["shot"] * meter["shot_uc"] * activity.shots_per_s
            + factors["lcd"] * meter["lcd_ua"] * activity.lcd
        )
        in_use = {consumer_of(radio) for radio, _ in activity.transmissions}
        sleeping_ma = sum(factors[consumer] * self._sleep_ma.get(consumer, 0.0) for consumer in sorted(in_use))
        events = [(self.event(radio), interval_s) for radio, interval_s in activity.transmissions]
        sending_ma = sum(event.charge_mc / interval_s for event, interval_s in events)
        mean_ma = standing_ma + sleeping_ma + sending_ma
        return Demand(mean_ma, max((event.peak_ma for event, _ in events), default=mean_ma))


def draw_loads(rng: np.random.Generator) -> Loads:
    """The consumers of a unit."""
    return Loads({consumer: float(rng.uniform(1.0 - SPREAD, 1.0 + SPREAD)) for consumer in CONSUMERS})


def consumer_of(radio: Radio) -> str:
    """The module that sends it."""
    return next(consumer for consumer in CONSUMERS if radio.value.startswith(consumer))


def _values(table: str) -> dict[str, float]:
    return {name: figure.value for name, figure in read_figures("loads.toml")[table].items()}


def _nominal_event(radio: Radio) -> Event:
    told = _values(consumer_of(radio))
    match consumer_of(radio):
        case "lora":
            spreading_factor = int(radio.value.removeprefix("lora_sf"))
            on_air_s = lora_time_on_air_s(spreading_factor, int(told["payload_bytes"]))
            return Event(told["transmit_ma"] * on_air_s, told["transmit_ma"])
        case "nb_iot":
            return Event(told["report_mj"] / told["supply_v"], told["transmit_ma"])
        case "wmbus":
            return Event(told["transmit_ma"] * told["telegram_bytes"] / told["bytes_per_s"], told["transmit_ma"])
        case "ble" if radio is Radio.BLE_SESSION:
            return Event(told["session_ma"] * told["session_s"], told["transmit_ma"])
        case "ble":
            return Event(1e-3 * told["advertising_uc"], told["transmit_ma"])
        case _:
            return Event(told["wake_ma"] * told["wake_s"], told["wake_ma"])
