"""The PLC's Modbus view, spoken to by raw frames and by pymodbus, and every fault that it can commit."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.constants import ExcCodes

from meterbench.errors import (
    BenchError,
    ConnectionLost,
    DeadlineExceeded,
    InstrumentError,
    InterlockTripped,
    ProtocolError,
)
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.rig import plc_map
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.instruments.serving.modbus_server import WIRES

NAMED = {
    FaultKind.SILENCE: DeadlineExceeded,
    FaultKind.LATE: DeadlineExceeded,
    FaultKind.GARBLE: (ProtocolError, DeadlineExceeded),
    FaultKind.REFUSE: InstrumentError,
    FaultKind.CLOSE: ConnectionLost,
    FaultKind.DIE: ConnectionLost,
    FaultKind.WRONG_UNIT: ProtocolError,
    FaultKind.RESTART: InterlockTripped,
}
"""How each fault of the wire ends. The PLC's own errors are alarms in its status, so that QUEUE has none to add; DRIFT
shows on no wire; SATURATE is below."""
RECOVERABLE = [kind for kind in NAMED if kind is not FaultKind.DIE]
ON_A_SERIAL_LINE = {FaultKind.CLOSE: (ProtocolError, DeadlineExceeded)}
"""It has no connection that could be lost: what is cut off is a bad frame."""


@pytest.fixture(autouse=True)
def quiet_pymodbus() -> Iterator[None]:
    """pymodbus dumps its last frames at ERROR level for each broken request."""
    logger = logging.getLogger("pymodbus")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.fixture
def client(served):
    with ModbusTcpClient(served.host, port=served.port, timeout=1, retries=0) as client:
        yield client


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("00 01 00 00 00 06 01 03 07 D8 00 02", "00 01 00 00 00 03 01 83 02"),
        ("00 02 00 00 00 06 01 03 00 14 00 02", "00 02 00 00 00 07 01 03 04 41 A0 00 00"),
        ("00 03 00 00 00 06 01 03 00 0A 00 0B", "00 03 00 00 00 19 01 03 16" + " 00" * 20 + " 41 A0"),
        ("00 04 00 00 00 06 01 06 00 78 00 07", "00 04 00 00 00 06 01 06 00 78 00 07"),
        ("00 05 00 00 00 06 01 06 00 05 00 02", "00 05 00 00 00 03 01 86 02"),
        ("00 06 00 00 00 0B 01 10 00 6A 00 02 04 44 C8 20 00", "00 06 00 00 00 03 01 90 03"),
        ("00 07 00 00 00 0B 01 10 00 6A 00 02 04 44 C8 00 00", "00 07 00 00 00 06 01 10 00 6A 00 02"),
    ],
    ids=["undefined", "20 l/h", "reserved read 0", "heartbeat", "read-only", "1601 kPa", "1600 kPa"],
)
def test_golden_frames(served, question: str, answer: str) -> None:
    """instruments.md 11.1 (an address that this map does not have: exception 2), and the ranges of 1.2."""
    with socket.create_connection((served.host, served.port), timeout=1) as wire:
        wire.sendall(bytes.fromhex(question))
        assert wire.recv(300) == bytes.fromhex(answer)


def test_another_client_reads_the_map(served, client: ModbusTcpClient) -> None:
    words = client.read_holding_registers(0, count=76, device_id=1).registers
    assert words[0] == 0x0101
    assert client.convert_from_registers(words[36:38], client.DATATYPE.FLOAT32, word_order="big") == 36.0
    assert client.convert_from_registers(words[70:72], client.DATATYPE.UINT32, word_order="big") == 60_000_123


def test_the_same_number_again_is_not_executed_again(served, client: ModbusTcpClient) -> None:
    """This makes blind repetitions harmless; it works word by word, too."""
    for seq in (7, 7, 8):
        client.write_registers(101, [int(plc_map.Command.divert_to_tank)], device_id=1)
        client.write_register(100, seq, device_id=1)
    assert served.core.commands == ["divert_to_tank"] * 2
    assert client.read_holding_registers(9, count=2, device_id=1).registers == [8, 0]


def test_nothing_is_executed_when_a_set_point_is_out_of_range(served, client: ModbusTcpClient) -> None:
    block = plc_map.COMMAND.encode({each.name: each.power_on for each in plc_map.COMMAND.registers} | {"cmd_seq": 1})
    for name, number in [("line_select", 4), ("command", 17), ("temp_setpoint", 65.5), ("ramp_flow", float("nan"))]:
        words = list(block)
        offset = plc_map.BY_NAME[name].address - 100
        own = plc_map.Block([plc_map.BY_NAME[name]]).encode({name: number})
        words[offset : offset + len(own)] = own
        assert client.write_registers(100, words, device_id=1).exception_code == ExcCodes.ILLEGAL_VALUE
    assert served.core.executed == []


@pytest.mark.parametrize("served", WIRES, indirect=True)
@pytest.mark.parametrize("kind", NAMED)
def test_every_fault_while_reading_is_named_in_time_and_gone_afterwards(served, rig: ModbusPlcRig, kind) -> None:
    served.sim.faults.add(Fault(kind, delay_s=0.2))
    named = NAMED | (ON_A_SERIAL_LINE if served.address.startswith("rtu:") else {})
    started_s = time.monotonic()
    with pytest.raises(named[kind], match="rig"):
        rig.status()
    assert time.monotonic() - started_s < 1.0
    if kind is FaultKind.DIE:
        with pytest.raises(ConnectionLost):
            rig.status()
    else:
        served.core.image["flow_line_a"] = 77.0
        assert rig.status().flow_l_h["A"] == 77.0


def test_a_flow_meter_at_the_end_of_its_range_has_no_number(served, rig: ModbusPlcRig) -> None:
    served.sim.faults.add(Fault(FaultKind.SATURATE))
    with pytest.raises(InstrumentError, match="no number for flow_line_a"):
        rig.status()
    assert rig.status().flow_l_h["A"] == 20.0


def test_a_flow_meter_that_drifts_says_nothing(served, rig: ModbusPlcRig) -> None:
    served.sim.faults.add(Fault(FaultKind.DRIFT, drift_percent_h=10.0, count=-1))
    rig.status()
    served.core.image["uptime_s"] += 3600
    assert rig.status().flow_l_h["A"] == pytest.approx(22.0)


def test_a_restarted_plc_has_forgotten_what_was_written(served, rig: ModbusPlcRig, client: ModbusTcpClient) -> None:
    rig.start_flow("A", 10.0, 5.0)
    served.sim.faults.add(Fault(FaultKind.RESTART))
    assert client.read_holding_registers(9, count=1, device_id=1).registers == [0]
    assert client.read_holding_registers(100, count=6, device_id=1).registers == [0] * 6
    assert client.read_holding_registers(116, count=2, device_id=1).registers == [0x41A0, 0]


def test_another_unit_does_not_answer(served) -> None:
    """Behind a gateway: exception 11."""
    with socket.create_connection((served.host, served.port), timeout=1) as wire:
        wire.sendall(bytes.fromhex("00 01 00 00 00 06 02 03 00 00 00 02"))
        assert wire.recv(300) == bytes.fromhex("00 01 00 00 00 03 02 83 0B")


@pytest.mark.parametrize("served", ["tcp", "pty"], indirect=True)
@pytest.mark.parametrize("kind", RECOVERABLE)
@pytest.mark.parametrize("after", [0, 1, 2], ids=["look", "write", "echo"])
def test_every_fault_while_commanding_is_named_and_the_next_command_works(served, rig, kind, after: int) -> None:
    """Whether the disturbed command was carried out or not, it was not carried out twice."""
    served.sim.faults.add(Fault(kind, after=after, delay_s=0.2))
    named = NAMED | (ON_A_SERIAL_LINE if served.address.startswith("rtu:") else {})
    with pytest.raises(named[kind]):
        rig.start_flow("A", 10.0, 5.0)
    assert len(served.core.executed) <= 1
    if kind is FaultKind.RESTART:
        rig.request_remote()
    rig.stop_flow()
    assert served.core.commands[-1] == "stop_flow"
    assert served.core.commands.count("start_flow") <= 1


@pytest.mark.parametrize("served", WIRES, indirect=True)
def test_a_late_reply_never_answers_the_next_question(served, rig: ModbusPlcRig) -> None:
    """Asked again and again while the late one arrives: always what is true then."""
    served.sim.faults.add(Fault(FaultKind.LATE, delay_s=0.2))
    with pytest.raises(DeadlineExceeded):
        rig.status()
    answers = 0
    for flow_l_h in range(100, 220):
        served.core.image["flow_line_a"] = float(flow_l_h)
        try:
            assert rig.status().flow_l_h["A"] == flow_l_h
            answers += 1
        except BenchError:
            assert served.address.startswith("rtu")  # without transaction ids the late one is met, and thrown away
        time.sleep(0.001)
    assert answers >= 118


@pytest.mark.parametrize("served", WIRES, indirect=True)
def test_garbled_frames_never_become_values(served, rig: ModbusPlcRig) -> None:
    truth = rig.status()
    served.sim.faults.add(Fault(FaultKind.GARBLE, count=5))
    errors = 0
    for _ in range(5):
        try:
            assert rig.status() == truth
        except (ProtocolError, DeadlineExceeded):
            errors += 1
    assert errors == 5 or served.address.startswith("rtu")  # there what is asked to resynchronise is garbled, too
    assert errors > 1
    assert rig.status() == truth


def test_a_sick_core_is_an_exception_reply(served, rig: ModbusPlcRig) -> None:
    """A number that does not fit its register must not come out as another number."""
    served.core.image["uptime_s"] = -1
    with pytest.raises(BenchError, match="device failure"):
        rig.status()
