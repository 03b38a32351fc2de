"""The state as it lies in the memory."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.records.memory_map import STATE_BYTES
from meterbench.dut.reference_meter.metrology.state import State

COUNT = st.integers(0, 2**63 - 1)
FLAGS = st.integers(0, 2**32 - 1)
PENDING = st.floats(-1e12, 1e12)
STATES = st.builds(
    State,
    clock_ticks=st.integers(-(2**63), 2**63 - 1),
    forward_nl=COUNT,
    reverse_nl=COUNT,
    forward_pending_nl=PENDING,
    reverse_pending_nl=PENDING,
    transport_from_nl=st.none() | COUNT,
    test_left=st.none() | COUNT,
    present=FLAGS,
    latched=FLAGS,
    to_push=FLAGS,
    seen=FLAGS,
    sticky=FLAGS,
    measuring_cycles=COUNT,
    lost_shots=COUNT,
    refused_shots=COUNT,
    suspected_slips=COUNT,
    captured=COUNT,
    zero_correction_ps=st.floats(-8.0, 8.0),
    valve_closed=st.booleans(),
    logged=st.tuples(*[COUNT] * 5),
    power=st.binary(max_size=64),
)


@given(STATES, st.binary(max_size=64))
def test_a_state_survives_the_memory(state: State, behind: bytes) -> None:
    """Every field to the last bit, whatever lies behind it in the slot, and there is room for it."""
    kept = state.to_bytes()
    assert State.from_bytes(kept + behind) == state
    assert len(kept) <= STATE_BYTES


@given(STATES)
def test_its_place_in_the_memory_does_not_move(state: State) -> None:
    """Little-endian: clock and totals first, the length of the power switching's part and that part last."""
    kept = state.to_bytes()
    assert int.from_bytes(kept[:8], "little", signed=True) == state.clock_ticks
    assert int.from_bytes(kept[8:16], "little") == state.forward_nl
    assert int.from_bytes(kept[16:24], "little") == state.reverse_nl
    assert kept.endswith(len(state.power).to_bytes(2, "little") + state.power)


def test_a_mode_that_is_not_on_is_told_from_one_that_began_at_zero() -> None:
    """Nothing has flowed when a new meter is put into TRANSPORTATION."""
    state = State(0, 0, 0, 0.0, 0.0, 0, None, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, False, (1, 2, 3, 4, 5), b"")
    again = State.from_bytes(state.to_bytes())
    assert (again.transport_from_nl, again.test_left) == (0, None)
    other = replace(state, transport_from_nl=None, test_left=0)
    assert State.from_bytes(other.to_bytes()) == other


def test_what_has_no_room_is_an_error() -> None:
    """Not a wrong number."""
    state = State(0, 2**63, 0, 0.0, 0.0, None, None, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, False, (1, 2, 3, 4, 5), b"")
    with pytest.raises(struct.error):
        state.to_bytes()
