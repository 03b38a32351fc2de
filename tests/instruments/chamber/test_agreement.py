"""What counts as said, and what does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.errors import InstrumentError, ProtocolError
from meterbench.instruments.chamber.agreement import agreed_temp_c, refuse_broken_sensor, twice_running


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
