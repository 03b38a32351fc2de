"""Pulses with a fraction: the published vector, and what cannot be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.errors import InstrumentError
from meterbench.instruments.counter.double_chronometry import GatedPulses, interpolated_pulses


def test_vector() -> None:
    """instruments.md 11.11: pulses at 0.010 + k / 37.25 s, gate 0..10 s."""
    pulses_s = 373 / 37.25
    assert pulses_s == pytest.approx(10.0134228, abs=5e-8)
    assert interpolated_pulses(373, 10.0, pulses_s) == pytest.approx(372.500, abs=1e-9)
    after_closing_s = 0.010 + 373 / 37.25 - 10.0
    assert GatedPulses(373, 0.010, after_closing_s).interpolated(10.0) == pytest.approx(372.500, abs=1e-9)


@given(
    st.floats(0.2, 1000.0),
    st.floats(0.0, 1.0, exclude_max=True),
    st.floats(10.0, 1000.0),
    st.floats(-1e-4, 1e-4),
)
def test_fraction_does_not_depend_on_the_phase(rate_hz: float, phase: float, gate_s: float, clock_error: float) -> None:
    """Even pulses give rate times gate, whatever their phase, and even if the gate's clock is off by 1e-4."""
    first = phase / rate_hz
    count = max(0, math.floor((gate_s - first) * rate_hz) + 1)
    if count < 1:
        return
    after_closing_s = first + count / rate_hz - gate_s
    seen = GatedPulses(count, first, after_closing_s)
    assert seen.interpolated(gate_s) == pytest.approx(rate_hz * gate_s, rel=1e-9, abs=1e-9)
    gate_of_another_clock_s = gate_s * (1.0 + clock_error)
    # At most one period in N enters with the other clock's error.
    assert seen.interpolated(gate_of_another_clock_s) == pytest.approx(rate_hz * gate_s, rel=1.5e-4 / count)


def test_what_was_not_timed_is_not_a_number() -> None:
    """Never the whole count in disguise."""
    assert not GatedPulses(373).timed
    assert not GatedPulses(373, 0.01).timed
    assert math.isnan(GatedPulses(373).interpolated(10.0))


@pytest.mark.parametrize(
    ("count", "gate_s", "pulses_s", "why"),
    [
        (0, 10.0, 10.0, "at least one"),
        (373, 0.0, 10.0, "no sense"),
        (373, math.nan, 10.0, "no sense"),
        (373, 10.0, 0.0, "no sense"),
        (373, 10.0, math.nan, "no sense"),
        (373, 10.0, math.inf, "no sense"),
        (373, 10.0, 10.1, "do not fit"),
        (373, 10.0, 9.9, "do not fit"),
    ],
)
def test_what_cannot_belong_together_is_refused(count: int, gate_s: float, pulses_s: float, why: str) -> None:
    """More than one pulse of difference is no fraction of one."""
    with pytest.raises(InstrumentError, match=why):
        interpolated_pulses(count, gate_s, pulses_s)
