"""The power manager: LOWBAT, percentages, checkpoint (ADR-045, ADR-052..054)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.power.activity import Activity
from meterbench.dut.reference_meter.metrology.power.manager import STATE_BYTES, PowerManager
from meterbench.dut.reference_meter.metrology.power.places import Place, Source
from meterbench.dut.reference_meter.metrology.status import Alarm

YEAR_S = 8766.0 * 3600.0
IDLE = Activity(8.0, lcd=True)
INTERNAL, EXTERNAL = Alarm.LOW_BATTERY_INTERNAL, Alarm.LOW_BATTERY_EXTERNAL


def readings(
    c1: float | None = None, c2: float | None = None, backup: float | None = None, external: float | None = None
) -> dict[Place, float | None]:
    return {Place.C1: c1, Place.C2: c2, Place.BACKUP: backup, Place.EXTERNAL: external}


def checked(*rounds: dict[Place, float | None]) -> PowerManager:
    manager = PowerManager()
    for each in rounds:
        manager.check(each)
    return manager


FULL = readings(c1=3.6, backup=3.6, external=3.6)


@pytest.mark.requirement("ADR-053")
def test_external_then_main_then_backup_then_none_and_back() -> None:
    """By removal, each at once; and back in the same way."""
    manager = checked(FULL)
    seen = []
    for place in (Place.EXTERNAL, Place.C1, Place.BACKUP):
        seen.append((manager.source, manager.switches))
        manager.check({place: None})
    seen.append((manager.source, manager.switches))
    assert seen == [
        (Source.EXTERNAL, {Place.EXTERNAL}),
        (Source.MAIN, {Place.C1, Place.C2}),
        (Source.BACKUP, {Place.BACKUP}),
        (Source.NONE, set()),
    ]
    back = []
    for place in (Place.BACKUP, Place.C1, Place.EXTERNAL):
        manager.check({place: 3.6})
        back.append(manager.source)
    assert back == [Source.BACKUP, Source.MAIN, Source.EXTERNAL]


@pytest.mark.requirement("ADR-045")
def test_low_battery_by_voltage_tells_the_two_apart() -> None:
    """After three checks, not after two; a missing pack is not a low one."""
    assert checked(FULL).low_battery == Alarm(0)
    weak = readings(c1=3.6, backup=3.6, external=2.8)
    assert checked(FULL, weak, weak).low_battery == Alarm(0)
    assert checked(FULL, weak, weak, weak).low_battery == EXTERNAL
    weak = readings(c1=2.8, backup=3.6, external=3.6)
    assert checked(FULL, weak, weak, weak).low_battery == INTERNAL
    weak = readings(c1=3.6, backup=2.8, external=3.6)
    assert checked(FULL, weak, weak, weak).low_battery == INTERNAL
    assert checked(FULL, readings(c1=3.6, backup=3.6)).low_battery == Alarm(0)


@pytest.mark.requirement("ADR-045")
def test_low_battery_by_count_at_ten_percent() -> None:
    """C1 alone at 15.2 uA and the checks' share: 39.4 y to one tenth, by ln((Q0 + I/s)/(Q0/10 + I/s))/s."""
    manager = checked(readings(c1=3.6))
    years = 0.0
    while not manager.low_battery:
        manager.spend(0.1 * YEAR_S, IDLE)
        years += 0.1
        manager.check(readings(c1=3.6))
        assert years < 60.0
    assert manager.low_battery == INTERNAL
    assert manager.percent(Source.MAIN) == 10
    assert years == pytest.approx(39.43, abs=0.11)


def test_a_discharged_pack_has_nothing_left_and_does_not_recover_its_count() -> None:
    """Warmed up, it feeds again, but nothing says how much is left in it; a new one is full."""
    weak, well = readings(c1=2.8), readings(c1=3.6)
    manager = checked(well, weak, weak, weak)
    assert (manager.source, manager.percent(Source.MAIN)) == (Source.NONE, 0)
    for _ in range(3):
        manager.check(well)
    assert (manager.source, manager.percent(Source.MAIN), manager.low_battery) == (Source.MAIN, 0, INTERNAL)
    manager.check(readings())
    assert manager.percent(Source.MAIN) is None
    manager.check(well)
    assert (manager.percent(Source.MAIN), manager.low_battery) == (100, Alarm(0))


def test_an_exchange_that_was_not_seen_can_be_told() -> None:
    """The new pack is measured before it feeds."""
    weak = readings(c1=2.8)
    manager = checked(readings(c1=3.6), weak, weak, weak)
    manager.exchanged(Place.C1)
    assert (manager.source, manager.percent(Source.MAIN)) == (Source.NONE, 100)
    manager.check(readings(c1=3.0))
    assert manager.source is Source.MAIN


def test_a_second_c_cell_counts_with_the_first() -> None:
    """A used-up C1 with a full C2: half; both percentages that the outside gets."""
    weak = readings(c1=2.8, backup=3.6)
    manager = checked(readings(c1=3.6, backup=3.6), weak, weak, weak)
    assert (manager.internal_percent, manager.external_percent, manager.low_battery) == (0, None, INTERNAL)
    manager.check({Place.C2: 3.6, Place.EXTERNAL: 3.6})
    assert (manager.internal_percent, manager.external_percent, manager.low_battery) == (50, 100, Alarm(0))
    assert checked(readings(backup=3.6)).internal_percent == 100
    assert checked(readings()).internal_percent == 0


READING = st.sampled_from([2.5, 2.89, 2.95, 3.05, 3.2, 3.6])


@given(st.lists(st.tuples(READING, READING, st.floats(0.0, 3.0)), max_size=40))
def test_percentages_never_rise_without_an_exchange(rounds: list[tuple[float, float, float]]) -> None:
    """Whatever the voltages do, and through a loss of power after every check."""
    manager = checked(readings(c1=3.6, backup=3.6))
    last = (100, 100)
    for c1_v, backup_v, years in rounds:
        manager.spend(years * YEAR_S, IDLE)
        manager.check(readings(c1=c1_v, backup=backup_v))
        state, manager = manager.state(), PowerManager()
        manager.restore(state)
        main, backup = manager.percent(Source.MAIN), manager.percent(Source.BACKUP)
        assert main is not None
        assert backup is not None
        assert 0 <= main <= last[0]
        assert 0 <= backup <= last[1]
        last = (main, backup)


def test_a_checkpoint_brings_everything_back() -> None:
    """Condition, suspicion (two checks of three) and charge; it is as long for no pack as for all."""
    weak = readings(c1=3.6, c2=3.6, backup=3.6, external=2.8)
    manager = checked(readings(c1=3.6, c2=3.6, backup=3.6, external=3.6))
    manager.spend(5.0 * YEAR_S, IDLE)
    manager.check(weak)
    manager.check(weak)
    again = PowerManager()
    again.restore(manager.state())
    assert again.source is Source.EXTERNAL
    assert again.percent(Source.EXTERNAL) == manager.percent(Source.EXTERNAL)
    again.check(weak)
    assert (again.source, again.low_battery) == (Source.MAIN, EXTERNAL)
    assert len(manager.state()) == len(PowerManager().state()) == STATE_BYTES == 24


@pytest.mark.parametrize(
    "state",
    [b"", bytes(23), bytes(25), b"\x04" + bytes(23), b"\x02\x03" + bytes(22), b"\x02\x00\xff\xff\xff\xff" + bytes(18)],
)
def test_a_broken_checkpoint_is_refused(state: bytes) -> None:
    """Wrong length, unknown condition, too many checks, more charge than a cell has; nothing of it is taken over."""
    manager = checked(FULL)
    before = manager.state()
    with pytest.raises(ValueError, match="state"):
        manager.restore(state)
    assert manager.state() == before


def test_when_nothing_new_can_come() -> None:
    """Half a year at these readings tells nothing; 40 years bring C1 to its last tenth."""
    manager = checked(readings(c1=3.6))
    assert manager.unmoved_by(readings(c1=3.6), 0.5 * YEAR_S, IDLE)
    assert not manager.unmoved_by(readings(c1=3.6), 40.0 * YEAR_S, IDLE)
    assert not manager.unmoved_by(readings(c1=2.85), 3600.0, IDLE)
