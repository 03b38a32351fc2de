"""Time: jobs, thinning, cancellation, shields, and sums of floats that stay together."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from meterbench.errors import Cancelled
from meterbench.world.clock import VirtualClock, WallClock

START = datetime(2026, 3, 4, tzinfo=UTC)


def a_clock(steady: Callable[[], bool] = lambda: False) -> VirtualClock:
    return VirtualClock(lambda duration_s: steady(), START)


def test_sleep_moves_monotonic_time_and_utc_together() -> None:
    """Only sleep moves virtual time, by what was asked, and the world by the same."""
    passed: list[float] = []
    clock = VirtualClock(lambda duration_s: passed.append(duration_s) is None, START)
    clock.sleep(0.0)
    clock.sleep(90.25)
    assert (clock.now_s(), sum(passed), clock.utc()) == (90.25, 90.25, START + timedelta(seconds=90.25))


@pytest.mark.parametrize("duration_s", [-1.0, float("nan")])
def test_an_impossible_duration_is_refused(duration_s: float) -> None:
    """Sleeping backwards or for NaN seconds, and a job with such a period (or none), are errors at once."""
    with pytest.raises(ValueError, match="cannot sleep"):
        a_clock().sleep(duration_s)
    for period_s in (duration_s, 0.0):
        with pytest.raises(ValueError, match="must be positive"):
            a_clock().every(period_s, lambda: None)


def test_jobs_run_at_their_times_in_order() -> None:
    """Each job runs at multiples of its period, first after one period, in the order of time; one at the end, too."""
    clock = a_clock()
    seen: list[tuple[str, float]] = []
    clock.every(2.0, lambda: seen.append(("slow", clock.now_s())))
    clock.every(1.5, lambda: seen.append(("fast", clock.now_s())))
    clock.sleep(4.5)
    assert seen == [("fast", 1.5), ("slow", 2.0), ("fast", 3.0), ("slow", 4.0), ("fast", 4.5)]


def test_sums_of_floats_do_not_drift() -> None:
    """After four hours of 0.1 s beats every beat is where it belongs to a µs, none is missing, and so is the clock."""
    clock = a_clock()
    beats: list[float] = []
    clock.every(0.1, lambda: beats.append(clock.now_s()))
    for _ in range(4):
        clock.sleep(3600.0)
    clock.sleep(0.05)
    assert len(beats) == 144_000
    assert max(abs(beat_s - 0.1 * number) for number, beat_s in enumerate(beats, start=1)) < 1e-6
    assert clock.now_s() == pytest.approx(14_400.05, abs=1e-6)


def test_jobs_are_thinned_only_in_steady_stretches() -> None:
    """Within one long sleep in a steady world the steady period holds, from its beginning and once at its end; where
    something moves, the short one."""
    moving = [False]
    clock = a_clock(lambda: not moving[0])
    seen: list[float] = []
    clock.every(0.5, lambda: seen.append(clock.now_s()), steady_period_s=5.0)
    clock.sleep(12.0)
    assert seen == [0.5, 5.0, 10.0, 12.0]
    seen.clear()
    moving[0] = True
    clock.sleep(6.0)
    assert len(seen) == 12


def test_a_sleep_shorter_than_the_steady_period_is_not_thinned() -> None:
    """Somebody who sleeps 2 s at a time acts in between: jobs run at their own period, steady world or not."""
    clock = a_clock(lambda: True)
    seen: list[float] = []
    clock.every(0.5, lambda: seen.append(clock.now_s()), steady_period_s=5.0)
    for _ in range(5):
        clock.sleep(2.0)
    assert seen == [0.5 * n for n in range(1, 21)]


@pytest.mark.parametrize(("duration_s", "most_gap_s"), [(200.0, 20.0), (3600.0, 360.0), (30_000.0, 3000.0)])
def test_a_long_steady_sleep_has_as_many_looks_as_a_short_one(duration_s: float, most_gap_s: float) -> None:
    """Ten evenly, the first after its own period and one at the end; several jobs at the same times."""
    clock = a_clock(lambda: True)
    seen: list[float] = []
    others: list[float] = []
    clock.every(0.5, lambda: seen.append(clock.now_s()), steady_period_s=5.0, vital=True)
    clock.every(2.0, lambda: others.append(clock.now_s()), steady_period_s=30.0)
    clock.sleep(duration_s)
    gaps_s = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert (seen[0], seen[-1]) == (0.5, duration_s)
    assert max(gaps_s) == pytest.approx(most_gap_s)
    assert len(seen) <= 13
    assert len(others) <= 9
    assert set(others) <= set(seen)


def test_an_hour_is_the_longest_steady_period_of_a_heartbeat() -> None:
    """However many days somebody sleeps."""
    clock = a_clock(lambda: True)
    seen: list[float] = []
    clock.every(0.5, lambda: seen.append(clock.now_s()), steady_period_s=5.0, vital=True)
    clock.sleep(37.0 * 86_400.0)
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) == pytest.approx(3600.0)


def test_what_moves_in_a_long_sleep_is_looked_at_at_its_own_period() -> None:
    """From the end of the stretch on in which it began: the latency is one steady period."""
    clock = VirtualClock(lambda duration_s: clock.now_s() + duration_s <= 1000.0)
    seen: list[float] = []
    clock.every(0.5, lambda: seen.append(clock.now_s()), steady_period_s=5.0, vital=True)
    clock.sleep(3600.0)
    assert [at_s for at_s in seen if at_s > 900.0][:4] == [1080.0, 1080.5, 1081.0, 1081.5]


def test_a_lazy_job_waits_ever_longer_while_nothing_moves() -> None:
    """Also where somebody sleeps shortly; once something moves it comes at once, and at its own period."""
    moving = [False]
    clock = a_clock(lambda: not moving[0])
    seen: list[float] = []
    clock.every(20.0, lambda: seen.append(clock.now_s()), steady_period_s=60.0, lazy=True)
    for _ in range(500):
        clock.sleep(2.0)
    assert seen == [20.0, 80.0, 240.0, 720.0]
    moving[0] = True
    for _ in range(20):
        clock.sleep(2.0)
    assert seen[4:] == [1002.0, 1022.0]


def test_a_cancelled_job_never_runs_again() -> None:
    """A job may cancel itself, or another one that is due at the same instant; twice does no harm."""
    clock = a_clock()
    seen: list[str] = []
    first = clock.every(1.0, lambda: (seen.append("first"), first.cancel(), second.cancel(), second.cancel()))
    second = clock.every(1.0, lambda: seen.append("second"))
    clock.sleep(3.0)
    assert seen == ["first"]


def test_what_a_job_raises_comes_out_of_the_sleep() -> None:
    """An interlock's exception ends the sleep at the job's time; later sleeps go on, and so does the job."""
    clock = a_clock()
    answers = iter([None, RuntimeError("tripped"), None, None])

    def look() -> None:
        answer = next(answers)
        if answer:
            raise answer

    clock.every(1.0, look)
    with pytest.raises(RuntimeError, match="tripped"):
        clock.sleep(10.0)
    assert clock.now_s() == 2.0
    clock.sleep(2.0)
    assert (clock.now_s(), list(answers)) == (4.0, [])


def test_a_job_that_sleeps_does_not_start_jobs_again() -> None:
    """A clean-up inside a job may wait: time goes by, no job starts within it, and afterwards they go on."""
    clock = a_clock()
    seen: list[float] = []

    def job() -> None:
        seen.append(clock.now_s())
        if len(seen) == 1:
            clock.sleep(2.5)

    clock.every(1.0, job)
    clock.sleep(5.0)
    assert seen[0] == 1.0
    assert all(later - earlier >= 0 for earlier, later in itertools.pairwise(seen))
    assert seen[1] >= 3.5
    assert clock.now_s() == 5.0


def test_cancellation_raises_in_every_sleep() -> None:
    """Once asked to stop, every sleep raises with the first reason and no time goes by, until told otherwise: never."""
    clock = a_clock()
    clock.cancel("the operator stopped the run")
    clock.cancel("a second reason")
    for _ in range(2):
        with pytest.raises(Cancelled, match="the operator stopped the run"):
            clock.sleep(1.0)
    assert clock.cancelled
    assert clock.now_s() == 0.0


def test_a_job_that_cancels_ends_the_sleep_at_its_time() -> None:
    """A signal that arrives in the middle of a long sleep is noticed at the next job, not at the end."""
    clock = a_clock()
    clock.every(1.0, lambda: clock.cancel("stop"))
    with pytest.raises(Cancelled):
        clock.sleep(1000.0)
    assert clock.now_s() == 1.0


def test_a_shield_lets_a_clean_up_sleep() -> None:
    """Within shields (they nest) sleeping goes on after a cancellation; after the last one it raises again."""
    clock = a_clock()
    clock.cancel("stop")
    with clock.shield():
        with clock.shield():
            clock.sleep(1.0)
        clock.sleep(1.0)
    with pytest.raises(Cancelled):
        clock.sleep(1.0)
    assert clock.now_s() == 2.0


def test_a_shield_ends_although_its_block_raises() -> None:
    """A clean-up that fails doesn't leave the operator unheard."""
    clock = a_clock()
    clock.cancel("stop")
    with pytest.raises(OSError, match="gone"), clock.shield():
        raise OSError("gone")
    with pytest.raises(Cancelled):
        clock.sleep(1.0)


def test_cancelling_wakes_a_sleeper_on_the_wall_clock() -> None:
    """Cancelling from another thread ends a sleep of minutes within a second."""
    clock = WallClock()
    canceller = threading.Timer(0.05, clock.cancel, ("stop",))
    canceller.start()
    start_s = time.monotonic()
    with pytest.raises(Cancelled):
        clock.sleep(300.0)
    assert time.monotonic() - start_s < 5.0
    canceller.join()


def test_the_wall_clock_runs_jobs_and_sleeps_its_time() -> None:
    """On the wall clock a shielded sleep lasts as long as asked although cancelled, and its jobs run."""
    clock = WallClock()
    seen: list[float] = []
    clock.every(0.02, lambda: seen.append(clock.now_s()))
    clock.cancel("stop")
    start_s = time.monotonic()
    with clock.shield():
        clock.sleep(0.1)
    assert time.monotonic() - start_s >= 0.0999
    assert seen
    assert clock.utc().tzinfo is UTC


def test_a_heartbeat_goes_on_while_another_job_waits() -> None:
    """A thermometer that takes three seconds for a reading must not let the rig's watchdog bite; other jobs wait."""
    clock = VirtualClock(lambda _: False)
    beats: list[float] = []
    others: list[float] = []
    readings: list[tuple[float, float]] = []

    def read() -> None:
        start_s = clock.now_s()
        clock.sleep(3.0)
        readings.append((start_s, clock.now_s()))

    clock.every(0.5, lambda: beats.append(clock.now_s()), vital=True)
    clock.every(5.0, read)
    clock.every(1.0, lambda: others.append(clock.now_s()))
    clock.sleep(9.0)
    assert readings == [(5.0, 8.0)]
    assert beats == [0.5 * number for number in range(1, 19)]
    assert [at_s for at_s in others if 5.0 < at_s < 8.0] == []


def test_a_thinned_heartbeat_beats_wherever_somebody_acts() -> None:
    """In a steady world it is thinned to five seconds; a job in between brings it along, a waiting job every beat."""
    clock = VirtualClock(lambda _: True)
    beats: list[float] = []
    clock.every(0.5, lambda: beats.append(clock.now_s()), steady_period_s=5.0, vital=True)
    clock.every(7.0, lambda: clock.sleep(2.0))
    clock.sleep(20.0)
    assert {7.0, 7.5, 8.0, 8.5, 9.0} <= set(beats)
    assert max(later - earlier for earlier, later in itertools.pairwise(beats)) <= 5.0
    assert len(beats) < 25  # and not the 40 of every half second


def test_a_heart_beats_between_jobs_that_wait_long() -> None:
    """Three instruments that are silent for a second each: what is vital comes after each, and when it is asked for."""
    clock = a_clock()
    seen: list[str] = []

    def slow(name: str) -> None:
        clock._elapsed_s += 1.0  # a link that waits for an answer lets time go by without the clock
        seen.append(name)

    clock.every(0.5, lambda: seen.append("beat"), vital=True)
    for name in "abc":
        clock.every(5.0, lambda name=name: slow(name))  # type: ignore[misc]
    clock.sleep(4.9)
    seen.clear()
    clock.sleep(0.1)
    assert seen == ["beat", "a", "beat", "b", "beat", "c", "beat"]
    clock.run_vital_jobs()
    clock._elapsed_s += 1.0
    clock.run_vital_jobs()
    assert seen[7:] == ["beat"]
