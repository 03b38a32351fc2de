"""Which battery is good and which source feeds (ADR-051..054, OPEN-4; metering.md 5.5)."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.power.places import Place, Source
from meterbench.dut.reference_meter.metrology.power.selector import Battery, Condition, choose_source

GOOD, DISCHARGED, NEW, ABSENT = Condition.GOOD, Condition.DISCHARGED, Condition.NEW, Condition.ABSENT


def judged(readings_v: list[float | None], battery: Battery | None = None) -> list[Condition]:
    battery = battery or Battery()
    seen = []
    for reading_v in readings_v:
        battery.check(reading_v)
        seen.append(battery.condition)
    return seen


@pytest.mark.requirement("ADR-051")
def test_three_checks_below_the_limit_discharge() -> None:
    """2.9 V itself is not below; two checks are too few, and a good one between starts anew."""
    assert judged([3.6, 2.9, 2.9, 2.9, 2.9]) == [GOOD] * 5
    assert judged([3.6, 2.89, 2.89, 2.91, 2.89, 2.89]) == [GOOD] * 6
    assert judged([3.6, 2.89, 2.89, 2.89]) == [GOOD, GOOD, GOOD, DISCHARGED]


def test_three_checks_above_the_upper_limit_bring_it_back() -> None:
    """3.1 V itself is not above."""
    down = [3.6, 2.0, 2.0, 2.0]
    assert judged([*down, 3.1, 3.1, 3.1, 3.1])[4:] == [DISCHARGED] * 4
    assert judged([*down, 3.11, 3.11, 3.0, 3.11, 3.11])[4:] == [DISCHARGED] * 5
    assert judged([*down, 3.11, 3.11, 3.11])[4:] == [DISCHARGED, DISCHARGED, GOOD]


def test_a_pack_that_is_gone_is_out_at_once() -> None:
    """And one that is put in feeds from its first good reading on, whatever its predecessor was."""
    assert judged([3.6, None, 2.95]) == [GOOD, ABSENT, GOOD]
    assert judged([3.6, 2.0, 2.0, 2.0, None, 2.95]) == [GOOD, GOOD, GOOD, DISCHARGED, ABSENT, GOOD]


def test_a_new_pack_must_be_measured_good() -> None:
    """Its film may need some checks to go; after three bad ones it is discharged."""
    assert judged([2.8, 2.8, 2.9]) == [NEW, NEW, GOOD]
    assert judged([2.8, 2.8, 2.8, 3.0]) == [NEW, NEW, DISCHARGED, DISCHARGED]


def test_no_number_is_no_voltage() -> None:
    assert judged([3.6, math.nan, math.nan, math.nan, math.nan]) == [GOOD, GOOD, GOOD, DISCHARGED, DISCHARGED]
    assert judged([math.nan]) == [NEW]


@given(st.lists(st.one_of(st.none(), st.floats(2.0, 3.7), st.sampled_from([2.9, 3.1])), max_size=80))
def test_no_chatter(readings_v: list[float | None]) -> None:
    """Against the rule itself: each discharge needs three readings below 2.9 V just before it, each return three above
    3.1 V; so a voltage between the limits changes nothing, and changes lie three checks apart.
    """
    seen = judged(readings_v)
    for at in range(1, len(seen)):
        last_three = [reading for reading in readings_v[max(0, at - 2) : at + 1] if reading is not None]
        if seen[at] is DISCHARGED and seen[at - 1] is not DISCHARGED:
            assert len(last_three) == 3
            assert max(last_three) < 2.9
        if seen[at] is GOOD and seen[at - 1] is DISCHARGED:
            assert len(last_three) == 3
            assert min(last_three) > 3.1
    flips = sum(1 for was, now in itertools.pairwise(seen) if {was, now} == {GOOD, DISCHARGED})
    assert 3 * flips <= len(readings_v)


def batteries(external: Condition, c1: Condition, c2: Condition, backup: Condition) -> dict[Place, Battery]:
    conditions = {Place.EXTERNAL: external, Place.C1: c1, Place.C2: c2, Place.BACKUP: backup}
    return {place: Battery(condition) for place, condition in conditions.items()}


@pytest.mark.requirement("ADR-052")
@pytest.mark.requirement("ADR-053")
@pytest.mark.requirement("ADR-054")
@pytest.mark.parametrize("external", Condition)
@pytest.mark.parametrize("c1", Condition)
@pytest.mark.parametrize("c2", Condition)
@pytest.mark.parametrize("backup", Condition)
def test_the_first_good_source_feeds(external: Condition, c1: Condition, c2: Condition, backup: Condition) -> None:
    """All 256 cases: external if good, else main if either of its cells is, else backup, else none."""
    if external is GOOD:
        expected = Source.EXTERNAL
    elif GOOD in (c1, c2):
        expected = Source.MAIN
    else:
        expected = Source.BACKUP if backup is GOOD else Source.NONE
    assert choose_source(batteries(external, c1, c2, backup)) is expected


@given(st.lists(st.tuples(*(st.sampled_from([None, 2.0, 2.89, 2.95, 3.05, 3.11, 3.6]) for _ in Place)), max_size=60))
def test_the_source_changes_no_oftener_than_a_judgement(rounds: list[tuple[float | None, ...]]) -> None:
    """Every switch-over has a battery that came, went or was judged anew in the same check."""
    cells = {place: Battery() for place in Place}
    source = choose_source(cells)
    for readings in rounds:
        before = [battery.condition for battery in cells.values()]
        for battery, reading_v in zip(cells.values(), readings, strict=True):
            battery.check(reading_v)
        chosen = choose_source(cells)
        if chosen is not source:
            assert before != [battery.condition for battery in cells.values()]
        source = chosen


@pytest.mark.parametrize("voltage_v", [2.9, 2.95, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5])
def test_below_its_rated_input_a_source_still_feeds(voltage_v: float) -> None:
    """OPEN-4: 2.9 to 3.5 V is outside 3.6 +-0.1 V, but not discharged."""
    cells = {place: Battery() for place in Place}
    for _ in range(10):
        cells[Place.C1].check(voltage_v)
    assert choose_source(cells) is Source.MAIN


@pytest.mark.parametrize(
    ("readings_v", "reading_v", "unmoved"),
    [
        ([3.6], 3.6, True),
        ([3.6], 2.93, True),
        ([3.6], 2.91, False),
        ([3.6], None, False),
        ([3.6, 2.8], 3.6, False),
        ([2.8], 2.8, False),
        ([2.0, 2.0, 2.0], 3.07, True),
        ([2.0, 2.0, 2.0], 3.09, False),
        ([None], None, True),
        ([None], 3.6, False),
    ],
)
def test_what_more_such_readings_would_change(
    readings_v: list[float | None], reading_v: float | None, unmoved: bool
) -> None:
    """Only a settled judgement far from its limit is unmoved, whatever readings about this one follow."""
    battery = Battery()
    judged(readings_v, battery)
    assert battery.unmoved_by(reading_v) is unmoved
