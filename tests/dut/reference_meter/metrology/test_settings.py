"""What can be configured, what is refused, and how it is kept."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.alarms.hold import HoldTimes
from meterbench.dut.reference_meter.metrology.alarms.level import Level
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.reference_meter.metrology.records.memory_map import CONFIGURATION_BYTES
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.settings import Settings, default_settings
from meterbench.dut.reference_meter.metrology.status import Alarm

SECONDS = st.integers(1, 30 * 86_400)
LISTED = [screen for screen in Screen if screen is not Screen.SEGMENT_TEST]
SCREENS = st.permutations(LISTED).flatmap(
    lambda screens: st.integers(1, len(screens)).map(lambda count: tuple(screens[:count]))
)
SETTINGS = st.builds(
    Settings,
    burst_limit_l_h=st.floats(1e-3, 1e6),
    leak_limit_l_h=st.floats(1.0, 1e6),
    leak_after_s=SECONDS,
    burst_after_s=SECONDS,
    reverse_after_s=SECONDS,
    clear_after_s=SECONDS,
    pushed=st.sets(st.sampled_from(list(Alarm))).map(lambda alarms: Alarm(sum(alarms))),
    test_time_out_s=SECONDS,
    volume_decimals=st.integers(1, 6),
    screens=SCREENS.filter(lambda screens: Screen.VOLUME in screens),
)
USUAL = Settings(burst_limit_l_h=750.0)
TIMES = ("leak_after_s", "burst_after_s", "reverse_after_s", "clear_after_s", "test_time_out_s")
LIMITS = ("burst_limit_l_h", "leak_limit_l_h")


@given(SETTINGS)
def test_settings_survive_the_memory(settings: Settings) -> None:
    """What is read back is the same, bit by bit of every number, and there is room for it."""
    kept = settings.to_bytes()
    assert Settings.from_bytes(kept) == settings
    assert len(kept) <= CONFIGURATION_BYTES
    assert set(json.loads(kept)) == {field.name for field in fields(Settings)}


@pytest.mark.requirement("ADR-043")
def test_as_a_meter_leaves_the_factory() -> None:
    """24 h of any registered flow, half an hour above 0.3 Q3 (OPEN-6); everything is pushed; three decimals."""
    settings = default_settings(2500.0)
    assert (settings.leak_after_s, settings.burst_after_s, settings.burst_limit_l_h) == (86_400, 1_800, 750.0)
    assert settings.leak_limit_l_h == 1.0
    assert settings.volume_decimals == 3
    assert set(settings.pushed) == set(Alarm)


def test_the_alarms_that_are_watched() -> None:
    """REVERSE beyond Q1; LEAK of any flow, or beyond its limit; BURST beyond its limit. Times in ticks."""
    settings = Settings(250.0, leak_after_s=100, burst_after_s=200, reverse_after_s=10, clear_after_s=30)
    reverse, leak, burst = settings.watches(q1_l_h=4.0)
    assert [watch.alarm for watch in (reverse, leak, burst)] == [Alarm.REVERSE, Alarm.LEAK, Alarm.BURST]
    assert reverse.level == Level(-4.0, -3.6)
    assert leak.level is None
    assert burst.level == Level(250.0, 225.0)
    assert [watch.times for watch in (reverse, leak, burst)] == [
        HoldTimes(80, 240),
        HoldTimes(800, 240),
        HoldTimes(1600, 240),
    ]
    (_, limited, _) = replace(settings, leak_limit_l_h=5.0).watches(q1_l_h=4.0)
    assert limited.level == Level(5.0, 4.0)


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize(
    "limit",
    [
        0.0,
        -1.0,
        math.nan,
        math.inf,
        -math.inf,
        1.1e6,
        "750",
        None,
        True,
        10**400,
        np.float32(5.0),
    ],
)
def test_limits_that_are_no_flow_are_refused(name: str, limit: Any) -> None:
    with pytest.raises(Refused, match=f"{name} = .*; allowed are flows above 0"):
        replace(USUAL, **{name: limit})


@pytest.mark.requirement("ADR-012")
def test_a_leak_begins_at_the_sensitivity_threshold() -> None:
    """OPEN-6: never below."""
    with pytest.raises(Refused, match=r"leak_limit_l_h = 0\.99.*from 1 on"):
        replace(USUAL, leak_limit_l_h=0.99)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("seconds", [0, -1, 30 * 86_400 + 1, 10.0, math.nan, math.inf, True, "10", None, 10**40])
def test_times_that_are_no_whole_seconds_are_refused(name: str, seconds: Any) -> None:
    with pytest.raises(Refused, match=f"{name} = .*; allowed are whole seconds from 1 to 2592000"):
        replace(USUAL, **{name: seconds})


@pytest.mark.parametrize("decimals", [0, 7, -1, 3.0, True, "3", None, math.nan])
def test_decimals_that_the_glass_does_not_have_are_refused(decimals: Any) -> None:
    with pytest.raises(Refused, match=r"volume_decimals = .*; allowed are 1 to 6"):
        replace(USUAL, volume_decimals=decimals)


@pytest.mark.parametrize(
    "pushed",
    [
        3,
        None,
        "LEAK",
        True,
        Alarm(1 << 9),
        Alarm(1 << 31),
    ],
)
def test_what_is_no_alarm_cannot_be_pushed(pushed: Any) -> None:
    with pytest.raises(Refused, match=r"pushed = .*; allowed are the alarms"):
        replace(USUAL, pushed=pushed)


@pytest.mark.requirement("ADR-070")
@pytest.mark.parametrize(
    ("screens", "match"),
    [
        ((), "VOLUME is legally relevant"),
        ((Screen.FLOW,), "VOLUME is legally relevant"),
        ((Screen.VOLUME, Screen.FLOW, Screen.VOLUME), "once"),
        ((Screen.VOLUME, Screen.SEGMENT_TEST), "by command only"),
        ((Screen.VOLUME, "FLOW"), "allowed are VOLUME, "),
        (None, "allowed are VOLUME, "),
        ([Screen.VOLUME, Screen.FLOW], "allowed are VOLUME, "),
    ],
)
def test_lists_without_volume_or_with_what_is_no_screen_are_refused(screens: Any, match: str) -> None:
    with pytest.raises(Refused, match=match):
        replace(USUAL, screens=screens)


def test_settings_cannot_be_changed() -> None:
    for field in fields(USUAL):
        with pytest.raises(FrozenInstanceError):
            setattr(USUAL, field.name, getattr(USUAL, field.name))


def _kept(**changes: object) -> bytes:
    return json.dumps(json.loads(USUAL.to_bytes()) | changes).encode()


@pytest.mark.parametrize(
    "kept",
    [
        _kept(another=1),
        json.dumps({"burst_limit_l_h": 750.0}).encode(),
        b"{}",
        _kept(burst_limit_l_h=math.nan),
        _kept(leak_after_s=10.0),
        _kept(volume_decimals=True),
        _kept(screens=[]),
        _kept(screens=["VOLUME", "OTHER"]),
        _kept(screens=None),
        _kept(pushed=1 << 9),
        b"\xff\xff",
        b"null",
    ],
)
def test_what_are_no_settings_of_this_firmware_is_refused(kept: bytes) -> None:
    with pytest.raises(Refused):
        Settings.from_bytes(kept)
