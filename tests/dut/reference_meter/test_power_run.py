"""Supply and firmware live together: switch-overs, power loss, life (ADR-045, ADR-050..057)."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.power.loads import Loads, draw_loads, nb_iot_attach
from meterbench.dut.reference_meter.hardware.power.pack import Pack, fresh_pack
from meterbench.dut.reference_meter.hardware.power.supply import Place, Rail, Supply
from meterbench.dut.reference_meter.metrology.power.activity import Activity, Radio
from meterbench.dut.reference_meter.metrology.power.manager import PowerManager
from meterbench.dut.reference_meter.metrology.power.places import Source
from meterbench.dut.reference_meter.metrology.status import Alarm
from meterbench.dut.reference_meter.power_run import Change, Lived, PowerRun

DAY_S = 86_400.0
YEAR_S = 8766.0 * 3600.0
IDLE = Activity(8.0, lcd=True)
IDLE_MA = 0.0132
AVERAGE = Activity(8.0, lcd=True, transmissions=((Radio.LORA_SF12, 96.21504 / 0.00964),))
"""The technical description's 23.44 uA: 13.2, the LoRa modem's 0.6, and reports for the rest."""
PACKS = {
    Place.C1: ("LS26500", 1),
    Place.C2: ("LS26500", 1),
    Place.BACKUP: ("LS14250", 1),
    Place.EXTERNAL: ("LS14500", 2),
}
SOURCE_OF = {Place.C1: Source.MAIN, Place.BACKUP: Source.BACKUP, Place.EXTERNAL: Source.EXTERNAL}
NOTHING = Change(0)


def pack_for(place: Place, soc: float = 1.0) -> Pack:
    name, cells = PACKS[place]
    pack = fresh_pack(name, cells)
    pack.wear((1.0 - soc) * cells * pack.cell.type.capacity_mah)
    return pack


def running(*places: Place, loads: Loads | None = None, next_check_s: float | None = None) -> PowerRun:
    supply = Supply(3.66)
    for place in places:
        supply.insert(place, pack_for(place))
    run = PowerRun(supply, loads or Loads())
    run.boot(PowerManager(), 20.0, next_check_s)
    return run


def manager_of(run: PowerRun) -> PowerManager:
    assert run.manager is not None
    return run.manager


def live_to(run: PowerRun, change: Change, activity: Activity = IDLE, ambient_c: float = 20.0) -> float:
    """Live until this happens; when that was."""
    for _ in range(100):
        if change in run.live(100.0 * YEAR_S, activity, ambient_c).changes:
            return run.now_s
    raise AssertionError(f"{change} never came")


@pytest.mark.requirement("ADR-053")
@pytest.mark.parametrize("order", list(itertools.permutations([Place.EXTERNAL, Place.C1, Place.BACKUP])))
def test_packs_go_and_come_in_any_order(order: tuple[Place, ...]) -> None:
    """The rail never fails, the source follows in the same instant, and only a change of the source is told."""
    run = running(*order)
    present = set(order)
    source = Source.EXTERNAL
    for place in (*order, *order):
        if place in present:
            run.supply.remove(place)
            present.remove(place)
        else:
            run.supply.insert(place, pack_for(place))
            present.add(place)
        best = next((SOURCE_OF[at] for at in (Place.EXTERNAL, Place.C1, Place.BACKUP) if at in present), Source.NONE)
        lived = run.live(3600.0, IDLE, 20.0)
        assert lived == (Lived(0.0, Change.SOURCE) if best is not source else Lived(3600.0, NOTHING))
        source = best
        assert manager_of(run).source is source
        assert run.supply.feeding == {at for at in present if SOURCE_OF[at] is source}
        assert run.live(3600.0, IDLE, 20.0) == Lived(3600.0, NOTHING)
        assert run.supply.rail is Rail.UP
        assert run.supply.spc_v > 3.6


@pytest.mark.requirement("ADR-050")
def test_c2_helps_c1() -> None:
    """Either alone is the main source; both share."""
    run = running(Place.C1, Place.C2)
    run.supply.remove(Place.C1)
    assert run.live(DAY_S, IDLE, 20.0) == Lived(DAY_S, NOTHING)
    assert run.supply.feeding == {Place.C2}
    run.supply.insert(Place.C1, pack_for(Place.C1))
    run.live(DAY_S, IDLE, 20.0)
    assert run.supply.feeding == {Place.C1, Place.C2}


@pytest.mark.requirement("ADR-052")
@pytest.mark.requirement("ADR-054")
def test_what_does_not_feed_gives_its_checks_only() -> None:
    """A year on the external pack: 8766 checks of 1 mC from C1 and from the backup, the rest from the external pack."""
    run = running(*Place)
    run.live(YEAR_S, IDLE, 20.0)
    for place in (Place.C1, Place.C2, Place.BACKUP):
        assert run.supply.pack(place).used_mah == pytest.approx(8767 / 3600.0, rel=1e-4)
    assert run.supply.pack(Place.EXTERNAL).used_mah == pytest.approx(8767 / 3600.0 + 0.0152 * 8766.0, rel=1e-3)


@pytest.mark.requirement("ADR-057")
def test_off_comes_days_after_the_last_pack_and_goes_with_a_new_one() -> None:
    """15 F from 3.66 V at 15.2 uA: warning after 13.2 days, Off after 16.7; back when C1 has charged it to 2.7 V."""
    run = running(Place.C1)
    run.supply.remove(Place.C1)
    assert run.live(YEAR_S, IDLE, 20.0) == Lived(0.0, Change.SOURCE)
    esr_v = 0.15e-3 * IDLE_MA
    lived = run.live(YEAR_S, IDLE, 20.0)
    assert lived.changes is Change.POWER_FAIL
    assert lived.seconds == pytest.approx(15.0 * (3.66 - 2.5 - esr_v) / 15.2e-6, rel=1e-4)
    state = manager_of(run).state()
    lived = run.live(YEAR_S, IDLE, 20.0)
    assert (lived.changes, run.manager, run.supply.rail_v) == (Change.BROWN_OUT, None, 0.0)
    assert lived.seconds == pytest.approx(15.0 * 0.3 / 15.2e-6, rel=1e-9)
    assert run.live(DAY_S, IDLE, 20.0) == Lived(DAY_S, NOTHING)
    run.supply.insert(Place.C1, pack_for(Place.C1))
    spc_v = run.supply.spc_v
    lived = run.live(DAY_S, IDLE, 20.0)
    assert lived.changes is Change.RAIL_BACK
    ohm = 10.0 + 4.0 * 4.0 ** (5.0 / 50.0)
    settles_v = 3.66 - 2e-6 * ohm
    assert lived.seconds == pytest.approx(15.0 * ohm * math.log((settles_v - spc_v) / (settles_v - 2.7)), rel=1e-9)
    manager = PowerManager()
    manager.restore(state)
    run.boot(manager, 20.0)
    assert (manager.source, manager.percent(Source.MAIN)) == (Source.MAIN, 100)
    assert run.live(DAY_S, IDLE, 20.0) == Lived(DAY_S, NOTHING)


def test_an_unannounced_loss() -> None:
    """A shorted capacitor: the firmware is gone at once, the arbiter brings the rail back from the pack in place."""
    run = running(Place.C1)
    run.supply.short()
    with pytest.raises(RuntimeError, match="cannot start"):
        run.boot(PowerManager(), 20.0)
    assert run.live(DAY_S, IDLE, 20.0) == Lived(0.0, Change.BROWN_OUT)
    assert run.manager is None
    assert run.live(DAY_S, IDLE, 20.0).changes is Change.RAIL_BACK


def test_checks_fall_where_the_clock_says() -> None:
    """A pack that dies between the hours is out at the third check after it: on the hour, to the second."""
    run = running(Place.EXTERNAL, Place.C1, next_check_s=600.0)
    run.live(100.0, IDLE, 20.0)
    run.supply.pack(Place.EXTERNAL).wear(5080.0)
    lived = run.live(DAY_S, IDLE, 20.0)
    assert lived.changes is Change.SOURCE | Change.LOW_BATTERY
    assert lived.seconds == 500.0 + 2 * 3600.0
    assert run.next_check_s == 3600.0
    run.next_check_s = 10.0
    run.supply.pack(Place.C1).wear(7600.0)
    assert run.live(DAY_S, IDLE, 20.0) == Lived(10.0 + 2 * 3600.0, Change.SOURCE | Change.LOW_BATTERY)


@pytest.mark.parametrize("ambient_c", [-25.0, 20.0])
@pytest.mark.parametrize("soc", [0.0325, 0.034, 0.1])
def test_skipped_checks_change_nothing(soc: float, ambient_c: float) -> None:
    """At once, or in pieces too short to skip a check, to C1's end or for 90 days: the same within some hours."""
    runs, ends = [], []
    for piece_s in (90.0 * DAY_S, 3600.0):
        run = running(Place.BACKUP)
        run.supply.insert(Place.C1, pack_for(Place.C1, soc))
        assert run.live(1.0, IDLE, ambient_c) == Lived(0.0, Change.SOURCE)
        changes = NOTHING
        while run.now_s < 90.0 * DAY_S and Change.SOURCE not in changes:
            changes = run.live(min(piece_s, 90.0 * DAY_S - run.now_s), AVERAGE, ambient_c).changes
        runs.append(run)
        ends.append((changes, manager_of(run).source, manager_of(run).low_battery))
    at_once, by_hours = runs
    assert ends[0] == ends[1]
    assert (ends[0][1] is Source.BACKUP) == (soc < 0.1)
    assert at_once.now_s == pytest.approx(by_hours.now_s, abs=12.0 * 3600.0)
    for place in (Place.C1, Place.BACKUP):
        assert at_once.supply.pack(place).used_mah == pytest.approx(by_hours.supply.pack(place).used_mah, abs=0.3)
    assert at_once.supply.spc_v == pytest.approx(by_hours.supply.spc_v, abs=5e-3)


@pytest.mark.requirement("ADR-056")
@pytest.mark.parametrize("seed", range(5))
def test_one_c1_lasts_longer_than_sixteen_years(seed: int) -> None:
    """At 23.44 uA, for units of any spread: about 28 years, LOWBAT 2 years before, and never a chatter between."""
    run = running(Place.C1, loads=draw_loads(np.random.default_rng(seed)))
    warned_s = live_to(run, Change.LOW_BATTERY, AVERAGE)
    ended_s = live_to(run, Change.SOURCE, AVERAGE)
    assert 24.0 < warned_s / YEAR_S < 27.5
    assert 16.0 < 26.5 < ended_s / YEAR_S < 30.0
    assert run.supply.pack(Place.C1).used_mah > 3288.0


def test_simulated_life_is_that_on_paper() -> None:
    """29.4 y by ln(1 + s Q0/(I H))/s at 25.72 uA with leakage and checks; 2.9 V leaves 3 % in the cell."""
    run = running(Place.C1)
    years = live_to(run, Change.SOURCE, AVERAGE) / YEAR_S
    usable_mah = 7700.0 * (1.0 - run.supply.pack(Place.C1).soc * math.exp(0.01 * years))
    assert years == pytest.approx(math.log(1.0 + 0.01 * usable_mah / (0.02572 * 8766.0)) / 0.01, rel=2e-3)
    assert years == pytest.approx(29.4, rel=0.05)


@pytest.mark.requirement("ADR-056")
@pytest.mark.parametrize("ambient_c", [-25.0, 20.0, 70.0])
def test_the_backup_measures_for_half_a_year_after_fifteen_and_a_half(ambient_c: float) -> None:
    """C1 is taken away then; the film that is left holds nothing up, and most of the charge is still there."""
    run = running(Place.C1, Place.BACKUP)
    assert run.live(15.5 * YEAR_S, AVERAGE, 20.0) == Lived(15.5 * YEAR_S, NOTHING)
    run.supply.remove(Place.C1)
    assert run.live(YEAR_S, IDLE, ambient_c) == Lived(0.0, Change.SOURCE)
    assert manager_of(run).source is Source.BACKUP
    assert run.live(0.5 * YEAR_S, IDLE, ambient_c) == Lived(0.5 * YEAR_S, NOTHING)
    assert run.supply.spc_v > 3.6
    assert run.supply.pack(Place.BACKUP).soc > 0.7


@pytest.mark.requirement("ADR-056")
def test_the_first_switch_over_in_the_cold_is_carried_by_the_capacitor() -> None:
    """At -25 degC after 15.5 years the backup sags under the test load, recovers as charge is drawn; no warning."""
    run = running(Place.C1, Place.BACKUP)
    run.live(15.5 * YEAR_S, AVERAGE, 20.0)
    run.supply.advance(2.0 * DAY_S, 0.0132, -25.0)
    run.supply.remove(Place.C1)
    run.live(1.0, IDLE, -25.0)
    sagging_v = run.supply.loaded_v(Place.BACKUP, -25.0)
    assert 3.1 < sagging_v < 3.4
    run.supply.pulse(10.0, 30.0, -25.0)
    assert run.live(30.0 * DAY_S, IDLE, -25.0) == Lived(30.0 * DAY_S, NOTHING)
    assert run.supply.loaded_v(Place.BACKUP, -25.0) > sagging_v + 0.1


def test_without_checks_the_backup_would_not_be_taken() -> None:
    """The same backup, never loaded in 15.5 years: below 2.9 V under the test load at -25 degC, above it at 20 degC."""
    for ambient_c, source in ((-25.0, Source.NONE), (20.0, Source.BACKUP)):
        run = running(Place.C1)
        stored = pack_for(Place.BACKUP)
        stored.rest(15.5 * YEAR_S)
        run.supply.remove(Place.C1)
        run.supply.insert(Place.BACKUP, stored)
        run.live(DAY_S, IDLE, ambient_c)
        assert manager_of(run).source is source


@pytest.mark.requirement("ADR-045")
def test_a_pulse_in_the_cold_is_no_low_battery() -> None:
    """Attaches in extended coverage at -25 degC, one before each check: below 2.9 V each time, and nothing is told."""
    run = running()
    run.supply.insert(Place.C1, pack_for(Place.C1, soc=0.3))
    run.live(DAY_S, IDLE, -25.0)
    current_ma, duration_s = nb_iot_attach()
    for _ in range(10):
        run.next_check_s = 1.0
        assert run.supply.pulse(current_ma, duration_s, -25.0) < 2.9
        assert run.live(3600.0, IDLE, -25.0) == Lived(3600.0, NOTHING)
    assert manager_of(run).low_battery == Alarm(0)


@pytest.mark.parametrize("soc", [0.031, 0.035, 0.04, 0.045, 0.05])
def test_a_source_below_its_rated_input_still_feeds(soc: float) -> None:
    """OPEN-4: a C1 of 2.9 to 3.5 V feeds, with the rail at 3.3 V."""
    run = running(Place.BACKUP)
    run.supply.insert(Place.C1, pack_for(Place.C1, soc))
    run.live(DAY_S, IDLE, 20.0)
    assert 2.9 < run.supply.pack(Place.C1).open_v <= 3.55
    assert (manager_of(run).source, run.supply.rail_v) == (Source.MAIN, 3.3)


HANDS = st.one_of(
    st.tuples(st.just("hand"), st.sampled_from(Place), st.floats(0.02, 1.0)),
    st.tuples(st.just("live"), st.floats(0.1, 60.0 * DAY_S), st.sampled_from([-25.0, 20.0, 70.0])),
    st.tuples(st.just("short"), st.just(0), st.just(0.0)),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(HANDS, max_size=25))
def test_one_source_at_most_whatever_hands_do(steps: list[tuple[str, object, float]]) -> None:
    """And the same steps come to the same end."""
    ends = []
    for _ in range(2):
        run = running(Place.C1, Place.BACKUP, loads=draw_loads(np.random.default_rng(1)))
        for kind, what, amount in steps:
            if kind == "hand":
                assert isinstance(what, Place)
                if run.supply.present(what):
                    run.supply.remove(what)
                else:
                    run.supply.insert(what, pack_for(what, soc=amount))
            elif kind == "short":
                run.supply.short()
            else:
                assert isinstance(what, float)
                lived = run.live(what, AVERAGE, amount)
                assert lived.seconds <= what
                assert lived.changes or lived.seconds == what
                if Change.RAIL_BACK in lived.changes:
                    run.boot(PowerManager(), amount)
            feeding = run.supply.feeding
            assert len(feeding) <= 1 or feeding == {Place.C1, Place.C2}
        ends.append((run.now_s, run.supply.spc_v, run.manager.state() if run.manager else None))
    assert ends[0] == ends[1]


def test_forty_years_with_a_good_source_are_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """350 640 checks fall into them; fewer than a thousand are made."""
    made = []
    check = PowerManager.check

    def counted(manager: PowerManager, readings: dict[object, float | None]) -> None:
        made.append(len(readings))
        check(manager, readings)  # type: ignore[arg-type]

    monkeypatch.setattr(PowerManager, "check", counted)
    run = running(Place.C1, Place.C2, Place.BACKUP)
    assert run.live(40.0 * YEAR_S, IDLE, 20.0) == Lived(40.0 * YEAR_S, NOTHING)
    assert len(made) < 1000
