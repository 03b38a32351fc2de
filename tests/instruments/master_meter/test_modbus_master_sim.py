"""Simulated master meters from their own side: what another program reads, and what they make of the water."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient
from pymodbus.constants import ExcCodes

from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links.address import parse_modbus
from meterbench.instruments.master_meter.line_tap import LineTap
from meterbench.instruments.master_meter.modbus_master_sim import FLOW_NOISE, MasterErrors
from meterbench.instruments.master_meter.profile import load_profile
from meterbench.world.air import Air
from meterbench.world.plant import Plant, PlantSpec, Slot
from meterbench.world.segment import Segment
from tests.instruments.master_meter.served import NAMES, Bench, Serve

FLOAT32, FLOAT64 = ModbusTcpClient.DATATYPE.FLOAT32, ModbusTcpClient.DATATYPE.FLOAT64


def client(bench: Bench) -> ModbusTcpClient:
    """A third party on the same wire."""
    wire = parse_modbus(bench.address)
    framer = FramerType.RTU if wire.rtu else FramerType.SOCKET
    return ModbusTcpClient(wire.host, port=wire.port, framer=framer, timeout=1, retries=0)


@pytest.mark.peer
def test_another_program_reads_a_krohne_mass_flow_meter(serve: Serve) -> None:
    """Function 4, SI base units, most significant word first (instruments.md 1.3)."""
    with client(serve("krohne_mfc400", "rtu-tcp")) as peer:
        words = peer.read_input_registers(30000, count=10, device_id=1).registers
        numbers = [peer.convert_from_registers(words[place : place + 2], FLOAT32) for place in (2, 4, 6, 8)]
        assert numbers == pytest.approx([2.5 / 3600, 2.5 / 3600 * 998.2, 293.15, 998.2], rel=1e-3)
        assert numbers[2] == pytest.approx(293.15, abs=1e-4)
        assert peer.read_input_registers(30500, count=5, device_id=1).registers == [0] * 5
        assert peer.read_holding_registers(30002, count=2, device_id=1).exception_code == ExcCodes.ILLEGAL_ADDRESS
        assert peer.write_registers(40500, [0, 0], device_id=1).exception_code == ExcCodes.ILLEGAL_ADDRESS


@pytest.mark.peer
def test_another_program_reads_a_mag_6000(serve: Serve) -> None:
    """The flow is absolute; the direction is a register of its own (instruments.md 1.4)."""
    bench = serve("siemens_mag6000", total_m3=123.456789)
    bench.water.flow_l_h = -2500.0
    bench.run(30.0)
    with client(bench) as peer:
        flow = peer.read_holding_registers(3002, count=2, device_id=1).registers
        assert peer.convert_from_registers(flow, FLOAT32) == pytest.approx(2.5 / 3600, rel=1e-3)
        assert peer.read_holding_registers(2000, count=1, device_id=1).registers == [1]
        total = peer.read_holding_registers(3014, count=4, device_id=1).registers
        passed_m3 = -2.5 * 30.0 / 3600.0
        assert peer.convert_from_registers(total, FLOAT64) == pytest.approx(123.456789 + passed_m3, abs=1e-9)
        size = peer.read_holding_registers(2400, count=2, device_id=1).registers
        assert peer.convert_from_registers(size, FLOAT32) == pytest.approx(0.025)


@pytest.mark.peer
@pytest.mark.parametrize(("order", "word_order"), [("CDAB", "little"), ("ABCD", "big")])
def test_another_program_uses_the_scan_list(serve: Serve, order: str, word_order: str) -> None:
    """Register numbers into 5001 and on, contents from 5051 on, by functions 3 and 4 alike (instruments.md 1.5)."""
    with client(serve("endress_promass", word_order=order)) as peer:
        assert peer.read_input_registers(6858, count=1, device_id=1).registers == [1]
        assert peer.read_holding_registers(4914, count=1, device_id=1).registers == [3 if order == "CDAB" else 1]
        peer.write_registers(5000, [2017, 2009], device_id=1)
        assert peer.read_holding_registers(5000, count=3, device_id=1).registers == [2017, 2009, 0]
        for read in (peer.read_holding_registers, peer.read_input_registers):
            words = read(5050, count=6, device_id=1).registers
            temp_c = peer.convert_from_registers(words[:2], FLOAT32, word_order=word_order)
            flow_m3_h = peer.convert_from_registers(words[2:4], FLOAT32, word_order=word_order)
            assert temp_c == pytest.approx(20.0, abs=1e-4)
            assert flow_m3_h == pytest.approx(2.5, rel=1e-3)
            assert words[4:] == [0, 0]


@pytest.mark.peer
@pytest.mark.parametrize(("order", "hex_words"), [("BADC", "a041 0000"), ("DCBA", "0000 a041")])
def test_swapped_bytes_as_the_manual_prints_them(serve: Serve, order: str, hex_words: str) -> None:
    """20.0 degC is 41 A0 00 00; options 2-3-0-1 and 0-1-2-3; an integer has its bytes swapped, too."""
    with client(serve("endress_promass", word_order=order)) as peer:
        words = peer.read_holding_registers(2016, count=2, device_id=1).registers
        assert struct.pack(">2H", *words).hex(" ", 2) == hex_words
        assert peer.read_holding_registers(6858, count=1, device_id=1).registers == [0x0100]


def total_l(bench: Bench) -> float:
    return bench.loop_thread.call(lambda: bench.sim._total_l)


def test_the_totaliser_counts_by_the_meters_own_gain(serve: Serve) -> None:
    """Also while the flow changes from step to step, and however long the steps are."""
    bench = serve("krohne_mfc400", errors=MasterErrors(gain=1.002, zero_l_h=1.0))
    before_l = total_l(bench)
    for flow_l_h, duration_s in ((100.0, 360.0), (7000.0, 1.5), (0.0, 36.0), (2.0, 3600.0)):
        bench.water.flow_l_h = flow_l_h
        bench.run(duration_s)
    passed_l = 10.0 + 7000.0 * 1.5 / 3600.0 + 2.0
    zero_l = (360.0 + 1.5 + 36.0 + 3600.0) / 3600.0
    assert total_l(bench) - before_l == pytest.approx(1.002 * passed_l + zero_l, rel=1e-9)


def test_a_low_flow_cutoff_hides_small_flows_from_the_totaliser(serve: Serve) -> None:
    bench = serve("krohne_mfc400", low_flow_cutoff=0.01)
    before_l = total_l(bench)
    bench.water.flow_l_h = 119.0
    bench.run(3600.0)
    assert total_l(bench) == before_l
    bench.water.flow_l_h = 121.0
    bench.run(3600.0)
    assert total_l(bench) - before_l == pytest.approx(121.0)


def test_the_shown_flow_follows_with_its_time_constant(serve: Serve) -> None:
    """After one time constant 63 % of the way."""
    bench = serve("siemens_mag6000")
    bench.water.flow_l_h = 1000.0
    bench.run(0.5)
    shown = bench.loop_thread.call(lambda: 3.6e6 * bench.sim._shown["volume_flow"])
    assert shown == pytest.approx(1000.0 + 1500.0 * math.exp(-1.0), rel=4 * FLOW_NOISE)


def test_numbers_change_at_the_end_of_an_update_period_only(serve: Serve) -> None:
    bench = serve("siemens_mag6000")
    with client(bench) as peer:
        before = peer.read_holding_registers(3002, count=2, device_id=1).registers
        bench.water.flow_l_h = 100.0
        bench.run(0.4)
        assert peer.read_holding_registers(3002, count=2, device_id=1).registers == before
        bench.run(0.1)
        assert peer.read_holding_registers(3002, count=2, device_id=1).registers != before


def test_a_drift_moves_flow_and_totaliser(serve: Serve) -> None:
    """1 % an hour: nothing on the wire tells."""
    bench = serve("krohne_ifc300")
    bench.sim.faults.add(Fault(FaultKind.DRIFT, count=-1, drift_percent_h=1.0))
    with client(bench) as peer:
        peer.read_input_registers(2, count=2, device_id=1)
        bench.run(3600.0)
        flow = peer.read_input_registers(2, count=2, device_id=1).registers
        assert 3.6e6 * peer.convert_from_registers(flow, FLOAT32) == pytest.approx(2525.0, rel=1e-3)
        assert peer.read_input_registers(32, count=4, device_id=1).registers == [0] * 4


def test_errors_are_drawn_within_what_good_meters_have() -> None:
    for seed in range(50):
        errors = MasterErrors.drawn(np.random.default_rng(seed))
        assert 0.001 <= abs(errors.gain - 1.0) <= 0.003


@pytest.mark.parametrize("name", NAMES)
def test_each_profile_gives_a_source_for_each_figure(name: str) -> None:
    profile = load_profile(name)
    told = (*profile.figures.values(), *profile.low_flow_cutoffs.values(), *profile.statuses, *profile.known)
    assert all(each.source for each in told)


class Witness:
    """Something in the line that remembers the volume."""

    volume_l = 0.0

    def advance(self, segment: Segment) -> None:
        self.volume_l += segment.volume_l


def test_taps_see_the_water_of_their_own_line_only() -> None:
    """And the water that runs out after it was shut; to the litre what the first slot sees."""
    witness = Witness()
    plant = Plant(
        PlantSpec(), Air(), [Slot(witness, lambda flow_l_h, _: (flow_l_h / 1000.0) ** 2)], np.random.default_rng(1)
    )
    taps = {line: LineTap(plant, line) for line in "ABC"}
    plant.pump_percent, plant.line = 100.0, "B"
    plant.valves["B"].target = 0.5
    plant.advance(30.0)
    assert taps["B"].flow_l_h() == plant.flow_l_h > 10.0
    plant.line = None
    assert taps["B"].flow_l_h() > 0.0
    plant.advance(30.0)
    assert taps["B"].volume_l() == pytest.approx(witness.volume_l, rel=1e-12)
    assert taps["A"].volume_l() == taps["C"].volume_l() == taps["A"].flow_l_h() == 0.0
    before_l = witness.volume_l
    plant.line = "C"
    plant.valves["C"].target = 0.3
    plant.advance(20.0)
    assert taps["B"].flow_l_h() == 0.0
    assert taps["C"].volume_l() == pytest.approx(witness.volume_l - before_l, rel=1e-9)
    assert taps["C"].density_kg_m3() == pytest.approx(998.3, abs=0.3)
