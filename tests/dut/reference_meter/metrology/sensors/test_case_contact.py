"""The debounced lid contact (metering.md 4.3, ADR-022)."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.sensors.case_switch import CaseSwitch
from meterbench.dut.reference_meter.metrology.sensors.case_contact import STABLE_S, CaseContact


def openings(button: CaseSwitch, contact: CaseContact, end_s: float, step_s: float = 0.002) -> list[float]:
    """When the firmware, polling so often, sees the case become open."""
    seen_s, before = [], contact.open
    for number in range(round(end_s / step_s)):
        now_s = number * step_s
        after = contact.update(button.pressed(now_s), now_s)
        if after and not before:
            seen_s.append(now_s)
        before = after
    return seen_s


@pytest.mark.parametrize("seed", range(20))
def test_bounces_are_one_opening(seed: int) -> None:
    """Opened for 300 ms and closed again, twice: two openings, each seen 80 to 95 ms after the lid was lifted."""
    button, contact = CaseSwitch(np.random.default_rng(seed)), CaseContact()
    for at_s in (0.5, 1.5):
        button.open(at_s)
        button.close(at_s + 0.3)
    seen_s = openings(button, contact, end_s=2.5)
    assert len(seen_s) == 2
    assert all(0.080 < now_s - at_s < 0.095 for now_s, at_s in zip(seen_s, (0.5, 1.5), strict=True))
    assert not contact.open


def test_shorter_openings_are_ignored() -> None:
    """Lifted for 50 ms: a knock, not an opening, however often."""
    button, contact = CaseSwitch(np.random.default_rng(1)), CaseContact()
    for number in range(10):
        button.open(0.1 + 0.2 * number)
        button.close(0.15 + 0.2 * number)
    assert openings(button, contact, end_s=2.5) == []


def test_an_open_case_stays_open_through_a_touch() -> None:
    """Pressed for 50 ms by a finger, it does not count as closed, hence not as opened again."""
    button, contact = CaseSwitch(np.random.default_rng(2)), CaseContact()
    button.open(0.1)
    button.close(0.5)
    button.open(0.55)
    assert len(openings(button, contact, end_s=1.0)) == 1
    assert contact.open


def test_a_case_that_is_open_at_the_start_is_seen() -> None:
    """Whoever opens the meter while it has no supply is found out when it has."""
    button, contact = CaseSwitch(np.random.default_rng(3)), CaseContact()
    button.open(-10.0)
    assert len(openings(button, contact, end_s=0.2)) == 1


def test_time_is_within_the_source() -> None:
    """metering.md 4.3 asks for 50 to 100 ms."""
    assert 0.050 <= STABLE_S <= 0.100
