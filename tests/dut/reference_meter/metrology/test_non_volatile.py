"""Everything that outlasts the supply has its own place, and is found again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.memory import Fram, PowerLost
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.reference_meter.metrology.non_volatile import NonVolatile
from meterbench.dut.reference_meter.metrology.records.columns import ALL_COLUMNS, ROW, USUAL_COLUMNS, Column
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.memory_map import (
    CONFIGURATION_BYTES,
    COUNTERS,
    MEMORY_MAP,
    STATE_BYTES,
)
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.settings import Settings
from meterbench.dut.reference_meter.metrology.state import State
from tests.dut.reference_meter.metrology.running import EPOCH_2026, HOUR, new_memory

SETTINGS = Settings(123.0, screens=(Screen.FLOW, Screen.VOLUME), volume_decimals=5)


def state(forward_nl: int) -> State:
    return State(
        5, forward_nl, 7, 0.5, -0.5, None, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -0.25, True, (11, 12, 13, 14, 15), b"power"
    )


def hours(count: int, first: int = 0) -> np.ndarray:
    rows = np.zeros(count, dtype=ROW)
    rows["clock_ticks"] = EPOCH_2026 + (first + np.arange(count)) * HOUR
    return rows


def fill(kept: NonVolatile) -> None:
    """Something in every region."""
    kept.save_state(state(1000))
    kept.save_settings(SETTINGS)
    kept.profiles[Period.DAY].set_columns(Column.TIME | Column.FLOW)
    kept.recorder.capture(hours(50))
    for code in EventCode:
        kept.logs.add(code, code * 8)
    for number, counter in enumerate(kept.counters):
        counter.next(1 + 100 * number)


def found(kept: NonVolatile) -> list[object]:
    """All that is there, by regions."""
    return [
        kept.state(),
        kept.settings(),
        [counter.next() for counter in kept.counters],
        kept.recorder.last_ticks,
        *(profile.rows().tolist() for profile in kept.profiles.values()),
        [kept.logs.events(log) for log in LogType],
    ]


def test_a_new_memory_knows_nothing() -> None:
    """No state, no settings, no record; all counters begin at one; the profiles have their usual columns."""
    assert found(NonVolatile(new_memory())) == [None, None, [1] * COUNTERS, None, [], [], [], [()] * len(LogType)]
    assert {profile.columns for profile in NonVolatile(new_memory()).profiles.values()} == {USUAL_COLUMNS}


def test_all_is_found_again() -> None:
    """By whoever opens the same memory; counters go on beyond what was given."""
    memory = new_memory()
    fill(NonVolatile(memory))
    again = NonVolatile(memory)
    assert again.state() == state(1000)
    assert again.settings() == SETTINGS
    assert [len(again.profiles[period]) for period in Period] == [50, 3, 1]
    assert again.profiles[Period.DAY].columns == Column.TIME | Column.FLOW
    assert again.recorder.last_ticks == EPOCH_2026 + 49 * HOUR
    assert [event.code for log in LogType for event in again.logs.events(log)] == list(EventCode)
    for number, counter in enumerate(again.counters):
        assert counter.next() > 1 + 100 * number


@pytest.mark.parametrize(
    "act",
    [
        lambda kept: kept.save_state(state(2000)),
        lambda kept: kept.save_settings(Settings(5.0)),
        lambda kept: kept.counters[0].next(1000),
        lambda kept: kept.counters[-1].next(1000),
        lambda kept: kept.recorder.capture(hours(7000, 50)),
        lambda kept: kept.profiles[Period.MONTH].set_columns(ALL_COLUMNS),
        lambda kept: [kept.logs.add(EventCode.DRY_BEGAN, 0) for _ in range(300)],
    ],
)
def test_no_region_reaches_into_another(act: Callable[[NonVolatile], object]) -> None:
    """Whatever is written, and however much, only what belongs to it is different afterwards."""
    memory, touched = new_memory(), new_memory()
    fill(NonVolatile(memory))
    touched.load(memory.dump())
    act(NonVolatile(touched))
    before, after = memory.dump(), touched.dump()
    changed = {
        region.name
        for region in MEMORY_MAP.regions
        if before[region.address : region.address + region.size_bytes]
        != after[region.address : region.address + region.size_bytes]
    }
    regions = {"state", "configuration", "counters", "monthly", "logs"}
    assert changed == {"recorder", "hourly", "daily", "monthly"} or (len(changed) == 1 and changed <= regions)
    assert after[MEMORY_MAP.size_bytes :] == bytes(len(after) - MEMORY_MAP.size_bytes)


@pytest.mark.parametrize(
    ("save", "load", "old", "new", "size_bytes"),
    [
        (NonVolatile.save_state, NonVolatile.state, state(1000), state(2000), STATE_BYTES + 8),
        (NonVolatile.save_settings, NonVolatile.settings, SETTINGS, Settings(5.0), CONFIGURATION_BYTES + 8),
    ],
)
def test_a_cut_leaves_the_old_or_the_new_whole(
    save: Callable, load: Callable, old: object, new: object, size_bytes: int
) -> None:
    """Cut in its first bytes, at its last one, and here and there: the old one. With all its bytes: the new one."""
    memory = new_memory()
    fill(NonVolatile(memory))
    for cut in (0, 1, 4, 5, *range(50, size_bytes - 1, 97), size_bytes - 1, size_bytes):
        torn = new_memory()
        torn.load(memory.dump())
        kept = NonVolatile(torn)
        torn.cut_after(cut)
        with pytest.raises(PowerLost):
            save(kept, new)
        torn.restore()
        assert load(NonVolatile(torn)) == (new if cut == size_bytes else old)


def test_saves_that_are_left_out_wear_the_memory_and_hide_nothing() -> None:
    """A thousand of them: the state saved before is still in force, 500 writes more on each of its bytes."""
    memory = new_memory()
    kept = NonVolatile(memory)
    kept.save_state(state(1000))
    worn = memory.wear.copy()
    kept.skip_states(1000)
    assert kept.state() == NonVolatile(memory).state() == state(1000)
    assert int((memory.wear - worn).max()) in (500, 1000)
    kept.save_state(state(3000))
    assert NonVolatile(memory).state() == state(3000)


def test_a_memory_too_small_is_an_error() -> None:
    """The part must have room for the whole map."""
    with pytest.raises(ValueError, match="has no"):
        NonVolatile(Fram(MEMORY_MAP.size_bytes - 1))
