"""The driver of master meters: what it makes of four makers' registers, and what it refuses."""

from __future__ import annotations

import math
import struct
from contextlib import nullcontext as does_not_raise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from meterbench.errors import BenchError, ConfigError, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import MasterMeter
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.master_meter.modbus_master import (
    MasterMeterSettings,
    decode_number,
    open_master_meter,
)
from meterbench.instruments.master_meter.modbus_master_sim import MasterErrors
from meterbench.instruments.master_meter.profile import WordOrder, load_profile
from meterbench.instruments.place import Place
from meterbench.instruments.serving.modbus_server import WIRES
from meterbench.world.clock import VirtualClock
from tests.instruments.master_meter.served import NAMES, Open, Serve

ORDERS = get_args(WordOrder)
CORIOLIS = ("krohne_mfc400", "endress_promass")


@pytest.mark.parametrize(
    ("hex_words", "code", "order", "number"),
    [
        ("40200000", ">f", "ABCD", 2.5),
        ("00004020", ">f", "CDAB", 2.5),
        ("3F9E0419", ">f", "ABCD", 1.2345),
        ("04193F9E", ">f", "CDAB", 1.2345),
        ("3A360B61", ">f", "ABCD", 2.5 / 3600.0),
        ("43929333", ">f", "ABCD", 293.15),
        ("405EDD3C07EE0B0B", ">d", "ABCD", 123.456789),
        ("20400000", ">f", "BADC", 2.5),
        ("00002040", ">f", "DCBA", 2.5),
    ],
)
def test_published_numbers(hex_words: str, code: str, order: WordOrder, number: float) -> None:
    """instruments.md 11.2 and 11.3, and 2.5 in the two orders that swap bytes."""
    raw = bytes.fromhex(hex_words)
    words = struct.unpack(f">{len(raw) // 2}H", raw)
    assert decode_number(words, code, order) == pytest.approx(number, rel=1e-7)


@settings(max_examples=50)
@given(number=st.floats(allow_nan=False), swapped=st.booleans())
def test_numbers_as_pymodbus_writes_them(number: float, swapped: bool) -> None:
    """Another codec, for the two orders that it knows."""
    words = ModbusClientMixin.convert_to_registers(
        number, ModbusClientMixin.DATATYPE.FLOAT64, word_order="little" if swapped else "big"
    )
    assert decode_number(words, ">d", "CDAB" if swapped else "ABCD") == number


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", NAMES)
def test_reads_what_flows_on_every_wire(serve: Serve, opened: Open, name: str, wire: str) -> None:
    """Flow, totaliser, temperature and density in the bench's units; NaN for what an electromagnetic meter lacks."""
    bench = serve(name, wire, total_m3=123.456789)
    meter: MasterMeter = opened(bench)
    first = meter.read()
    bench.run(36.0)
    second = meter.read()
    assert second.flow_l_h == pytest.approx(2500.0, rel=1e-3)
    resolution_l = 0.016 if name in CORIOLIS else 1e-6
    assert second.volume_l - first.volume_l == pytest.approx(25.0, abs=resolution_l)
    assert first.volume_l == pytest.approx(123456.789, abs=resolution_l)
    if name in CORIOLIS:
        assert second.water_temp_c == pytest.approx(20.0, abs=1e-4)
        assert second.density_kg_m3 == pytest.approx(998.2, abs=1e-3)
    else:
        assert math.isnan(second.water_temp_c)
        assert math.isnan(second.density_kg_m3)
    assert (meter.identity.manufacturer, meter.role) == (load_profile(name).maker, "master_a")


@pytest.mark.parametrize("name", NAMES)
def test_water_that_flows_back_is_negative(serve: Serve, opened: Open, name: str) -> None:
    """Also where the box gives the direction in a register of its own."""
    bench = serve(name)
    meter = opened(bench)
    bench.water.flow_l_h = -1000.0
    bench.run(30.0)
    assert meter.read().flow_l_h == pytest.approx(-1000.0, rel=1e-3)


def test_golden_exchanges_of_mfc400(serve: Serve, opened: Open) -> None:
    """Function 4 at 30000 (0x7530), 10 words in SI units; 30500 (0x7724), 5 bytes of NE107 (instruments.md 1.3)."""
    bench = serve("krohne_mfc400", total_m3=1.0)
    meter = opened(bench)
    meter.read()
    values, total, status = meter.trace()[-3:]
    assert values.sent[6:].hex() == "01" + "04" + "7530" + "000a"
    assert values.received[6:9].hex() == "010414"
    assert struct.unpack(">4x4f", values.received[9:]) == pytest.approx(
        (2.5 / 3600, 2.5 / 3600 * 998.2, 293.15, 998.2), 1e-3
    )
    assert total.sent[6:].hex() == "01" + "03" + "9e38" + "0002"
    assert total.received[6:].hex() == "01" + "03" + "04" + "3f800000"
    assert status.sent[6:].hex() == "01" + "04" + "7724" + "0005"
    assert status.received[6:].hex() == "01" + "04" + "0a" + "0000" * 5


def test_golden_exchanges_of_ifc300(serve: Serve, opened: Open) -> None:
    """One block of 36 words from address 0: volume flow at 2, counter 3 as float64 at 28, status at 32 and 34."""
    bench = serve("krohne_ifc300", total_m3=123.456789)
    meter = opened(bench)
    meter.read()
    (block,) = meter.trace()[-1:]
    assert block.sent[6:].hex() == "01" + "04" + "0000" + "0024"
    assert block.received[9 + 2 * 28 : 9 + 2 * 36].hex() == "405edd3c07ee0b0b" + "00000000" * 2


def test_golden_exchanges_of_mag6000(serve: Serve, opened: Open) -> None:
    """Function 3 at 3002 to 3017, direction at 2000, slave id 0x2A, run indicator 0xFF and product code 24 at 600."""
    bench = serve("siemens_mag6000", total_m3=123.456789)
    meter = opened(bench)
    meter.read()
    block, direction, run = meter.trace()[-3:]
    assert block.sent[6:].hex() == "01" + "03" + "0bba" + "0010"
    assert block.received[9 + 2 * 12 :].hex() == "405edd3c07ee0b0b"
    assert (direction.sent[6:].hex(), direction.received[6:].hex()) == ("010307d00001", "0103020000")
    assert (run.sent[6:].hex(), run.received[6:].hex()) == ("010302580003", "010306002a00ff0018")


def test_golden_exchanges_of_promass(serve: Serve, opened: Open) -> None:
    """Byte order at 4915; the scan list at 5001, written once; values from 5051 in the order CDAB; 6859 is 1."""
    bench = serve("endress_promass")
    meter = opened(bench)
    sent = [each.sent[6:].hex() for each in meter.trace()]
    assert sent[0] == "01" + "03" + "1332" + "0001"
    numbers = "07d9" + "0a32" + "07d7" + "07dd" + "07e1"
    assert "01" + "10" + "1388" + "0005" + "0a" + numbers in sent
    meter.read()
    values, listed, condition = meter.trace()[-3:]
    assert values.sent[6:].hex() == "01" + "03" + "13ba" + "000a"
    assert values.received[-4:].hex() == "000041a0"
    assert listed.received[6:].hex() == "01" + "03" + "0a" + numbers
    assert (condition.sent[6:].hex(), condition.received[6:].hex()) == ("01031aca0001", "0103020001")
    opened(bench).read()
    assert sum(each.sent[7] == 16 for each in meter.trace()) == 1


def test_a_scan_list_that_is_there_is_not_written_again(serve: Serve, opened: Open) -> None:
    """The box keeps it in a memory that wears out."""
    bench = serve("endress_promass")
    opened(bench)
    second = opened(bench)
    assert not [each for each in second.trace() if each.sent[7] == 16]


@pytest.mark.parametrize("order", ORDERS)
def test_every_byte_order_that_the_box_may_be_set_to(serve: Serve, opened: Open, order: WordOrder) -> None:
    """Endress+Hauser: a parameter of the box, named in the station file if it was changed."""
    meter = opened(serve("endress_promass", word_order=order), word_order=order)
    reading = meter.read()
    assert reading.flow_l_h == pytest.approx(2500.0, rel=1e-3)
    assert reading.water_temp_c == pytest.approx(20.0, abs=1e-4)


@pytest.mark.parametrize(("wanted", "real"), [(one, other) for one in ORDERS for other in ORDERS if one != other])
def test_another_byte_order_than_the_station_says_is_named(
    serve: Serve, opened: Open, wanted: WordOrder, real: WordOrder
) -> None:
    """By the box's own parameter."""
    with pytest.raises(InstrumentError, match=rf"byte order .* is {real}, the station expects {wanted}; set it"):
        opened(serve("endress_promass", word_order=real), word_order=wanted)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("order", [order for order in ORDERS if order != "ABCD"])
@pytest.mark.parametrize("name", ["krohne_mfc400", "krohne_ifc300", "siemens_mag6000"])
def test_a_box_with_another_word_order_is_found_out_at_opening(
    serve: Serve, opened: Open, name: str, order: WordOrder, seed: int
) -> None:
    """By what cannot be in cold water; whatever the totaliser holds."""
    bench = serve(name, word_order=order, rng=np.random.default_rng(seed), errors=None)
    with pytest.raises(ProtocolError, match=r"read in the word order ABCD is .* is the word order another one"):
        opened(bench)


@pytest.mark.parametrize("name", ["krohne_mfc400", "krohne_ifc300", "siemens_mag6000"])
def test_a_word_order_that_the_box_cannot_have_is_refused(serve: Serve, name: str) -> None:
    with pytest.raises(ConfigError, match="has no parameter for it; it is always ABCD"):
        serve(name).meter(word_order="CDAB")


def test_a_new_meter_that_shows_nothing_but_zeros_cannot_prove_its_word_order(serve: Serve, opened: Open) -> None:
    """The electromagnetic box that tells neither its size nor anything else of its own."""
    bench = serve("krohne_ifc300", total_m3=0.0)
    bench.water.flow_l_h = 0.0
    bench.loop_thread.call(bench.sim.restart)
    with pytest.raises(InstrumentError, match="reports of the box"):
        opened(bench)
    with pytest.raises(InstrumentError, match="order of its words cannot be proven; let some water run"):
        opened(bench)


@pytest.mark.parametrize(
    ("name", "which"),
    [("krohne_mfc400", "of totaliser 1 .register 40500."), ("siemens_mag6000", "of the flow .register 2026. is 0.02")],
)
def test_a_low_flow_cutoff_is_refused_unless_it_is_known_of(serve: Serve, opened: Open, name: str, which: str) -> None:
    """Below it small flows come as 0."""
    bench = serve(name, low_flow_cutoff=0.02)
    with pytest.raises(InstrumentError, match=f"low-flow cutoff {which}"):
        opened(bench)
    meter = opened(bench, accept_low_flow_cutoff=True)
    bench.water.flow_l_h = 100.0
    bench.run(60.0)
    assert meter.read().flow_l_h == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", ["krohne_ifc300", "endress_promass"])
def test_a_box_that_does_not_tell_its_cutoff_wants_a_persons_word(serve: Serve, opened: Open, name: str) -> None:
    with pytest.raises(InstrumentError, match=r"does not tell its low-flow cutoff; .*accept_low_flow_cutoff = true"):
        opened(serve(name), accept_low_flow_cutoff=False)


@pytest.mark.parametrize("name", NAMES)
def test_the_end_of_the_range_is_never_a_flow(serve: Serve, opened: Open, name: str) -> None:
    """Twice the full scale, forwards and backwards; afterwards it is told once more at most."""
    bench = serve(name)
    meter = opened(bench)
    for flow_l_h in (24000.0, -24000.0):
        bench.water.flow_l_h = flow_l_h
        bench.run(10.0)
        for _ in range(3):
            with pytest.raises(InstrumentError, match=r"clipped|end of its range|reports of"):
                meter.read()
        bench.water.flow_l_h = 1000.0
        bench.run(10.0)
        with pytest.raises(InstrumentError) if name != "siemens_mag6000" else does_not_raise():
            meter.read()
        assert meter.read().flow_l_h == pytest.approx(1000.0, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [FaultKind.QUEUE, FaultKind.RESTART])
@pytest.mark.parametrize("after", range(3))
def test_trouble_of_the_box_and_a_restart_are_told(
    serve: Serve, opened: Open, name: str, kind: FaultKind, after: int
) -> None:
    """Whichever exchange of a reading they strike; the next but one reading is good again."""
    bench = serve(name)
    meter = opened(bench)
    bench.sim.faults.add(Fault(kind, after=after if len(load_profile(name).blocks) > 1 else 0))
    told = 0
    for _ in range(3):
        try:
            assert meter.read().flow_l_h == pytest.approx(2500.0, rel=1e-3)
        except InstrumentError:
            told += 1
    assert 1 <= told <= 2
    assert meter.read().flow_l_h == pytest.approx(2500.0, rel=1e-3)


def test_a_dead_sensor_is_nan_and_no_flow(serve: Serve, opened: Open) -> None:
    """Endress+Hauser with its failure mode set to NaN, even if the system condition were still well."""
    bench = serve("endress_promass")
    meter = opened(bench)
    bench.water.density_kg_m3 = math.nan
    bench.run(1.0)
    with pytest.raises(InstrumentError, match=r"has no number for mass_flow \(register 2007 is NaN\)"):
        meter.read()


@pytest.mark.parametrize("name", CORIOLIS)
def test_flows_that_do_not_agree_are_refused(serve: Serve, opened: Open, name: str) -> None:
    """A unit that was changed at the box: mass flow no longer fits volume flow and density."""
    bench = serve(name)
    meter = opened(bench)
    shown = bench.sim._shown
    shown["mass_flow"] *= 1000.0 / 3600.0
    with pytest.raises(InstrumentError, match=r"does not agree with 2.* L/h of 998\.2"):
        meter.read()


def test_another_product_is_refused(serve: Serve, opened: Open) -> None:
    """A MASS 6000 (25) in the place of a MAG 6000 (24)."""
    bench = serve("siemens_mag6000")
    profile = bench.sim._profile
    known = (profile.known[0], profile.known[1].model_copy(update={"equals": 25}))
    bench.sim._profile = profile.model_copy(update={"known": known})
    with pytest.raises(InstrumentError, match=r"register 603 \(product code of the MAG 6000\) holds 25, not 24"):
        opened(bench)


def test_a_direction_that_is_not_known_is_refused(serve: Serve, opened: Open) -> None:
    bench = serve("siemens_mag6000")
    meter = opened(bench)
    direction = bench.sim._profile.direction
    assert direction is not None
    bench.sim._profile = bench.sim._profile.model_copy(
        update={"direction": direction.model_copy(update={"forward": 7})}
    )
    with pytest.raises(InstrumentError, match="is 7, which is neither 0"):
        meter.read()


def test_another_unit_on_the_line_is_silent(serve: Serve, opened: Open) -> None:
    with pytest.raises(BenchError, match=r"master_a at rtu-tcp://.*, unit 2: .*no answer within"):
        opened(serve("krohne_mfc400", "rtu-tcp", unit_id=7), unit_id=2)


def test_open_by_the_place(serve: Serve) -> None:
    """The driver's name chooses the profile; the address may be any of Modbus' wires."""
    bench = serve("krohne_mfc400", unit_id=17, errors=MasterErrors(gain=1.002))
    place = Place("master_b", bench.address, VirtualClock(lambda _: True), driver="krohne_mfc400")
    meter = open_master_meter(place, MasterMeterSettings(unit_id=17))
    assert meter.read().flow_l_h == pytest.approx(2505.0, rel=1e-3)
    meter.close()
    meter.close()
    with pytest.raises(ConfigError, match=r"master_b: address .*expected tcp://host:port, rtu-tcp"):
        open_master_meter(Place("master_b", "COM3", place.clock, driver="krohne_mfc400"), MasterMeterSettings())
