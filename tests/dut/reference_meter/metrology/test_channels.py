"""Which ways to the outside may work (ADR-060..062, 080, 084, OPEN-5)."""

from __future__ import annotations

import pytest

from meterbench.dut.reference_meter.metrology.channels import Channel, allowed
from meterbench.dut.reference_meter.metrology.modes import Mode

EVERYTHING = {"IDENTIFICATION", "NFC", "BLE", "WAN"}
ALLOWED = {
    (Mode.NORMAL, False): EVERYTHING,
    (Mode.NORMAL, True): {"IDENTIFICATION", "NFC"},
    (Mode.MEASUREMENT, False): EVERYTHING,
    (Mode.MEASUREMENT, True): {"IDENTIFICATION", "NFC"},
    (Mode.TEST, False): EVERYTHING,
    (Mode.TEST, True): {"IDENTIFICATION", "NFC"},
    (Mode.TRANSPORTATION, False): {"IDENTIFICATION"},
    (Mode.TRANSPORTATION, True): {"IDENTIFICATION"},
}


@pytest.mark.requirement("ADR-061")
@pytest.mark.requirement("ADR-062")
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("on_backup", [False, True])
def test_channels_by_mode_and_source(mode: Mode, on_backup: bool) -> None:
    """All of them; on the backup cell NFC only; in TRANSPORTATION nothing but the tag's identification."""
    assert {channel.name for channel in allowed(mode, on_backup=on_backup)} == ALLOWED[mode, on_backup]


def test_the_tag_always_says_who_it_is() -> None:
    for mode in Mode:
        for on_backup in (False, True):
            assert Channel.IDENTIFICATION in allowed(mode, on_backup=on_backup)
