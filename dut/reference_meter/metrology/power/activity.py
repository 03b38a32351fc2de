"""What the meter does that takes power, as its firmware decides it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Radio(Enum):
    """What happens on a channel, once an interval."""

    LORA_SF7 = "lora_sf7"
    LORA_SF8 = "lora_sf8"
    LORA_SF9 = "lora_sf9"
    LORA_SF10 = "lora_sf10"
    LORA_SF11 = "lora_sf11"
    LORA_SF12 = "lora_sf12"
    NB_IOT = "nb_iot"
    """A report with the tracking area update; between reports the modem sleeps (PSM)."""
    WMBUS_C1 = "wmbus_c1"
    BLE_ADVERTISING = "ble_advertising"
    """One advertising event."""
    BLE_SESSION = "ble_session"
    """A minute of connection."""
    NFC = "nfc"
    """A reader wakes the processor; the radio itself lives on the reader's field."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What goes on in a stretch of time. ``ValueError`` for an interval that is none."""

    shots_per_s: float
    """Measuring cycles."""
    lcd: bool
    transmissions: tuple[tuple[Radio, float], ...] = ()
    """What is sent how often: the mean interval in s."""

    def __post_init__(self) -> None:
        if not self.shots_per_s >= 0.0:
            raise ValueError(f"a meter cannot measure {self.shots_per_s} times a second")
        for radio, interval_s in self.transmissions:
            if not interval_s > 0.0:
                raise ValueError(f"{radio.value} cannot be sent every {interval_s} s")
