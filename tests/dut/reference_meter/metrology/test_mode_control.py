"""Modes: what is entered from where, what ends it, and what the backup cell makes of it (ADR-060..063)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.mode_control import ModeControl
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.refusal import Refused

TEN_L_NL = 10_000_000_000


def control(mode: str) -> ModeControl:
    """In TEST, TRANSPORTATION, or neither."""
    modes = ModeControl()
    if mode == "TEST":
        modes.enter_test(1000)
    if mode == "TRANSPORTATION":
        modes.enter_transportation(0)
    return modes


@pytest.mark.requirement("ADR-060")
@pytest.mark.requirement("ADR-061")
@pytest.mark.parametrize(
    ("entered", "on_backup", "mode"),
    [
        ("", False, Mode.NORMAL),
        ("", True, Mode.MEASUREMENT),
        ("TEST", False, Mode.TEST),
        ("TEST", True, Mode.TEST),
        ("TRANSPORTATION", False, Mode.TRANSPORTATION),
        ("TRANSPORTATION", True, Mode.TRANSPORTATION),
    ],
)
def test_the_mode_by_command_and_source(entered: str, on_backup: bool, mode: Mode) -> None:
    assert control(entered).mode(on_backup=on_backup) is mode


@pytest.mark.parametrize("entered", ["TEST", "TRANSPORTATION"])
@pytest.mark.parametrize("on_backup", [False, True])
def test_what_it_is_when_they_end(entered: str, on_backup: bool) -> None:
    """NORMAL, or MEASUREMENT on the backup cell, whatever the source was when they began."""
    modes = control(entered)
    modes.transport_from_nl = modes.test_until = None
    assert modes.mode(on_backup=on_backup) is (Mode.MEASUREMENT if on_backup else Mode.NORMAL)


@pytest.mark.parametrize(
    ("entered", "command", "refused"),
    [
        ("", "TEST", ""),
        ("", "TRANSPORTATION", ""),
        ("TEST", "TEST", ""),
        ("TEST", "TRANSPORTATION", "the meter is in TEST"),
        ("TRANSPORTATION", "TEST", "the meter is in TRANSPORTATION, which ends after 10 L"),
        ("TRANSPORTATION", "TRANSPORTATION", "is in it already"),
    ],
)
def test_what_can_be_entered_from_where(entered: str, command: str, refused: str) -> None:
    """What is refused changes nothing."""
    modes = control(entered)
    before = (modes.transport_from_nl, modes.test_until)

    def enter() -> None:
        if command == "TEST":
            modes.enter_test(2000)
        else:
            modes.enter_transportation(5)

    if not refused:
        enter()
        assert (modes.transport_from_nl, modes.test_until) == ((None, 2000) if command == "TEST" else (5, None))
        return
    with pytest.raises(Refused, match=f"enter {command}: .*{refused}"):
        enter()
    assert (modes.transport_from_nl, modes.test_until) == before


@pytest.mark.requirement("ADR-062")
@given(st.integers(0, 10**18), st.integers(0, 2 * TEN_L_NL))
def test_transportation_ends_after_ten_litres(begun_at_nl: int, flowed_nl: int) -> None:
    """Not a nanolitre sooner, from whatever total."""
    modes = ModeControl()
    modes.enter_transportation(begun_at_nl)
    to_go_nl = modes.to_end_of_transport_nl(begun_at_nl + flowed_nl)
    assert to_go_nl == (TEN_L_NL - flowed_nl if flowed_nl < TEN_L_NL else 0)


@pytest.mark.parametrize("entered", ["", "TEST"])
def test_in_other_modes_no_water_ends_anything(entered: str) -> None:
    assert control(entered).to_end_of_transport_nl(10**15) is None
