"""The register map and its codec, against published vectors and against another codec."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.client import ModbusTcpClient
from pymodbus.client.mixin import ModbusClientMixin

from meterbench.instruments.capabilities import RigState
from meterbench.instruments.rig import plc_map

PEER_TYPES = {
    "H": ModbusClientMixin.DATATYPE.UINT16,
    "I": ModbusClientMixin.DATATYPE.UINT32,
    "Q": ModbusClientMixin.DATATYPE.UINT64,
    "f": ModbusClientMixin.DATATYPE.FLOAT32,
}
NUMBERS = {
    "H": st.integers(0, 2**16 - 1),
    "I": st.integers(0, 2**32 - 1),
    "Q": st.integers(0, 2**64 - 1),
    "f": st.floats(width=32, allow_nan=False),
}
IMAGES = st.fixed_dictionaries({each.name: NUMBERS[each.code] for each in plc_map.IMAGE.registers})


@pytest.mark.parametrize(
    ("flow_l_h", "words"), [(2.5, [0x4020, 0x0000]), (1.2345, [0x3F9E, 0x0419]), (1.5, [0x3FC0, 0x0000])]
)
def test_float32_is_in_the_order_abcd(flow_l_h: float, words: list[int]) -> None:
    """The vectors of instruments.md 11.2."""
    block = plc_map.Block([plc_map.BY_NAME["flow_setpoint"]])
    assert block.encode({"flow_setpoint": flow_l_h}) == words
    assert block.decode(words)["flow_setpoint"] == pytest.approx(flow_l_h, rel=1e-7)


@settings(max_examples=30, deadline=None)
@given(image=IMAGES)
def test_every_register_reads_as_another_codec_reads_it(image: dict[str, plc_map.Number]) -> None:
    """pymodbus finds each number at the address and in the type of the map."""
    words = plc_map.IMAGE.encode(image)
    assert plc_map.IMAGE.decode(words) == image
    for each in plc_map.IMAGE.registers:
        own = words[each.address : each.address + each.words]
        assert ModbusTcpClient.convert_from_registers(own, PEER_TYPES[each.code]) == image[each.name]


def test_blocks_cover_the_addresses_that_the_map_prints() -> None:
    """instruments.md 1.2: 0..10 life, 20..75 process values, 100..119 commands, 120 and 121 apart; cycles: 130 on."""
    first = (plc_map.HEAD, plc_map.STATUS, plc_map.GATE, plc_map.IMAGE, plc_map.COMMAND, plc_map.WRITABLE)
    blocks = (*first, plc_map.CYCLE_PLAN, plc_map.CYCLE_WINDOW, plc_map.CYCLE_STATE)
    assert [(block.address, block.count) for block in blocks] == [
        (0, 11),
        (0, 58),
        (58, 18),
        (0, 76),
        (100, 20),
        (100, 44),
        (130, 12),
        (142, 2),
        (200, 6),
    ]


def test_overlapping_registers_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        plc_map.Block([plc_map.Register("wide", 0, "f"), plc_map.Register("inside", 1, "H")])


def test_nan_survives_the_wire() -> None:
    """It must reach the driver as NaN, to be refused there by name."""
    words = plc_map.Block([plc_map.BY_NAME["leak_rate"]]).encode({"leak_rate": math.nan})
    assert math.isnan(plc_map.Block([plc_map.BY_NAME["leak_rate"]]).decode(words)["leak_rate"])


def test_a_bit_without_a_name_is_not_lost() -> None:
    assert plc_map.bit_names(0b10_0000_0010, plc_map.ALARM_WORD_2) == {"flow_unstable", "bit 9"}


def test_state_numbers_have_the_names_of_the_capability() -> None:
    assert [state.name for state in plc_map.PlcState] == [state.value for state in RigState]
