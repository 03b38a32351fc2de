"""What counts as said, and what does not."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.errors import InstrumentError, ProtocolError
from meterbench.instruments.chamber.agreement import (
    NOT_MEASURED_PERCENT,
    agreed_humidity_percent,
    agreed_temp_c,
    refuse_broken_sensor,
    twice_running,
)


@pytest.mark.parametrize(
    ("answers", "agreed"), [("aa", "a"), ("abb", "b"), ("abaa", "a"), ("xabb", "b"), ("abab", None), ("abcd", None)]
)
def test_two_running_must_agree(answers: str, agreed: str | None) -> None:
    """One changed answer is outvoted; of a change in the middle, the later state counts."""
    said: Iterator[str] = iter(answers)
    if agreed is None:
        with pytest.raises(ProtocolError, match=r"chamber: asked MODE\? 4 times, no two answers running agree: 'a'"):
            twice_running("chamber", "MODE?", lambda: next(said))
    else:
        assert twice_running("chamber", "MODE?", lambda: next(said)) == agreed
        assert next(said, None) is None, "asked no more often than needed"


@given(
    true_c=st.floats(-40, 180),
    wrong_c=st.floats(-999, 999),
    place=st.integers(0, 3),
    moves=st.lists(st.sampled_from([0.0, 0.1]), min_size=4, max_size=4),
)
def test_one_wrong_reading_never_counts(true_c: float, wrong_c: float, place: int, moves: list[float]) -> None:
    """Wherever it stands among four, the result lies between true ones."""
    readings = [true_c + move for move in moves]
    readings[place] = wrong_c
    rest = readings[:place] + readings[place + 1 :]
    assert min(rest) <= agreed_temp_c("chamber", readings) <= max(rest)


@pytest.mark.parametrize("readings", [[20.0, 20.0], [20.0, 25.0, 30.0, 20.0], [20.0, 20.0, 30.0, 30.0]])
def test_too_few_and_too_many_apart_are_refused(readings: list[float]) -> None:
    with pytest.raises(ProtocolError, match="chamber: asked for its temperature"):
        agreed_temp_c("chamber", readings)


@pytest.mark.parametrize("temp_c", [191.0, -51.0, float("nan")])
def test_a_broken_sensor_is_named(temp_c: float) -> None:
    with pytest.raises(InstrumentError, match="its sensor is broken"):
        refuse_broken_sensor("chamber", temp_c, (-40.0, 180.0))
    refuse_broken_sensor("chamber", 20.0, (40.0, 60.0))


@given(
    true_percent=st.integers(10, 95),
    wrong_percent=st.integers(0, 999),
    place=st.integers(0, 2),
    moves=st.lists(st.sampled_from([0, 1]), min_size=3, max_size=3),
)
def test_one_wrong_humidity_never_counts(true_percent: int, wrong_percent: int, place: int, moves: list[int]) -> None:
    """Two that are the same are enough; otherwise a third is asked for, and the result lies between true ones."""
    readings = [float(true_percent + move) for move in moves]
    readings[place] = float(wrong_percent)
    true = readings[:place] + readings[place + 1 :]
    said = agreed_humidity_percent("chamber", readings[:2], lambda: readings[2])
    assert min(true) <= said <= max(true) or (place < 2 and said == readings[1 - place])


def test_what_stands_still_is_asked_no_more_often_than_needed() -> None:
    assert agreed_humidity_percent("chamber", [93.0, 93.0], lambda: pytest.fail("asked again")) == 93.0


def test_humidities_too_far_apart_are_refused() -> None:
    with pytest.raises(ProtocolError, match="chamber: asked for its humidity 3 times in a row, got 50, 60, 70 %"):
        agreed_humidity_percent("chamber", [50.0, 60.0], lambda: 70.0)


@pytest.mark.parametrize("percent", [NOT_MEASURED_PERCENT, 105.1, 120.0])
def test_a_humidity_that_cannot_be_is_no_number(percent: float) -> None:
    assert math.isnan(agreed_humidity_percent("chamber", [percent, percent], lambda: percent))
