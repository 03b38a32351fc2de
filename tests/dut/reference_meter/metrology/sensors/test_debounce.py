"""A level counts once it has stood for longer than the hold time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.sensors.debounce import Debounced


def test_hold_time_both_ways() -> None:
    """At the hold time itself not yet, beyond it yes."""
    level = Debounced(0.5)
    assert [level.update(True, now_s) for now_s in (0.0, 0.25, 0.5, 0.625)] == [False, False, False, True]
    assert [level.update(False, now_s) for now_s in (1.0, 1.5, 1.625)] == [True, True, False]


def test_a_break_starts_the_time_anew() -> None:
    """0.4 s, a break, 0.4 s: never half a second without one."""
    level = Debounced(0.5)
    seen = [
        level.update(raw, now_s) for raw, now_s in ((True, 0.0), (True, 0.4), (False, 0.5), (True, 0.6), (True, 1.0))
    ]
    assert seen == [False] * 5
    assert level.update(True, 1.125)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=60))
def test_counts_what_stands(stretches: list[tuple[bool, int]]) -> None:
    """Against the rule itself: after each sample the level is that of the last run of equal samples longer than 100."""
    level = Debounced(100)
    now, expected, run_raw, run_since = 0, False, False, 0
    for raw, step in stretches:
        now += step
        if raw != run_raw:
            run_raw, run_since = raw, now
        if now - run_since > 100:
            expected = run_raw
        assert level.update(raw, now) is expected
