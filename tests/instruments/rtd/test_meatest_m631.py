"""The resistance decade: wire, refusals, and the meter that reads it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import pyvisa

from meterbench.bench.simulators import RTD_LEADS_OHM, SIMULATORS, Simulated
from meterbench.dut.reference_meter.hardware.sensors.pt1000 import Element
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.errors import BenchError, ConfigError, InstrumentError
from meterbench.instruments.capabilities import Actor, ResistanceSimulator
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.rtd.meatest_m631 import MeatestM631, open_meatest_m631
from meterbench.instruments.rtd.meatest_m631_sim import TERMINATOR, MeatestM631Sim
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.world.clock import WallClock
from tests.dut.reference_meter.line import Line, make

if TYPE_CHECKING:
    from tests.instruments.conftest import ServeScpi

OK = b'0,"No error"\r\n'


class Bench:
    """A decade, its driver, and its terminals."""

    def __init__(self, loop_thread: LoopThread) -> None:
        self.faults = FaultPlan()
        self.box = MeatestM631Sim()
        self.server = ScpiServer(self.box.scpi, self.faults, TERMINATOR)
        self.rtd: MeatestM631 = open_meatest_m631(Place("rtd 1", loop_thread.run(self.server.start()), WallClock()))
        self.rtd._link._deadline_s = 0.3


@pytest.fixture
def bench(loop_thread: LoopThread) -> Iterator[Bench]:
    bench = Bench(loop_thread)
    yield bench
    bench.rtd.close()
    loop_thread.run(bench.server.stop())


def test_a_resistance_on_the_wire(bench: Bench) -> None:
    """The golden exchange (M631 manual 6.5, instruments.md 5): 20 degC of a PT1000, and open again."""
    first = len(bench.server.transcript)
    bench.rtd.set_resistance_ohm(1077.9350)
    bench.rtd.make_safe()
    assert [entry.line for entry in bench.server.transcript[first:]] == [
        b":RES 1077.9350;:OUTP ON;:SYST:ERR?\n",
        OK,
        b":RES?;:RES?;:SYST:ERR?\n",
        b"1077.935;1077.935;" + OK,
        b":OUTP?;:OUTP?;:SYST:ERR?\n",
        b"1;1;" + OK,
        b":OUTP OFF;:SYST:ERR?\n",
        OK,
        b":OUTP?;:OUTP?;:SYST:ERR?\n",
        b"0;0;" + OK,
    ]


def test_it_is_a_resistance_simulator(bench: Bench) -> None:
    """Its terminals are open, have what was set, and are open in the safe state."""
    rtd: ResistanceSimulator = bench.rtd
    assert isinstance(rtd, Actor)
    assert (rtd.identity.manufacturer, rtd.identity.model) == ("MEATEST", "M631")
    assert bench.box.resistance_ohm() == math.inf
    for resistance_ohm in (16.0, 901.9234, 1270.7513, 400e3):
        rtd.set_resistance_ohm(resistance_ohm)
        assert bench.box.resistance_ohm() == pytest.approx(resistance_ohm, abs=6e-4)
    rtd.make_safe()
    rtd.make_safe()
    assert bench.box.resistance_ohm() == math.inf


@pytest.mark.parametrize("resistance_ohm", [0.0, 15.9, 400.1e3, -1.0, math.nan, math.inf])
def test_out_of_range_is_an_instrument_error(bench: Bench, resistance_ohm: float) -> None:
    """What it had stays."""
    bench.rtd.set_resistance_ohm(1000.0)
    with pytest.raises(InstrumentError, match="it has 16 to 400000 ohm"):
        bench.rtd.set_resistance_ohm(resistance_ohm)
    assert bench.box.resistance_ohm() == 1000.0


def test_a_box_that_does_not_do_it_is_found_out(bench: Bench) -> None:
    """Another resistance, and an output that stays open, are read back."""
    bench.box.scpi.command("OUTPut[:STATe]", lambda _: None, least=1)
    with pytest.raises(InstrumentError, match="its output is not closed"):
        bench.rtd.set_resistance_ohm(1000.0)
    bench.box.scpi.command("[SOURce:]RESistance[:LEVel]", lambda _: None, least=1)
    with pytest.raises(InstrumentError, match=r"1100\.0000 ohm was set"):
        bench.rtd.set_resistance_ohm(1100.0)


def test_a_restart_opens_it_and_is_told(bench: Bench) -> None:
    """The next resistance is set as if nothing had been."""
    bench.rtd.set_resistance_ohm(1000.0)
    bench.faults.add(Fault(FaultKind.RESTART))
    with pytest.raises(BenchError, match="rtd 1 at"):
        bench.rtd.set_resistance_ohm(1100.0)
    assert bench.box.resistance_ohm() == math.inf
    bench.rtd.set_resistance_ohm(1100.0)
    assert bench.box.resistance_ohm() == 1100.0


@pytest.mark.peer
def test_the_simulator_as_another_client_sees_it(serve_scpi: ServeScpi) -> None:
    """Numbers with units, refusals by the box itself."""
    server = serve_scpi(MeatestM631Sim().scpi, FaultPlan())
    client = pyvisa.ResourceManager("@py").open_resource(server.address, read_termination="\n", write_termination="\n")
    assert isinstance(client, pyvisa.resources.MessageBasedResource)
    with client:
        assert client.query("RES?;:OUTP?") == "100.000;0"
        client.write(":RES 1.2 KOHM;:OUTP ON")
        assert client.query(":SOUR:RES?;:OUTP?") == "1200.000;1"
        client.write(":RES 10")
        assert client.query(":SYST:ERR?") == '-222,"Data out of range;10"'


@pytest.mark.requirement("ADR-020")
@pytest.mark.parametrize("played_c", [19.0, 20.0, 21.0])
def test_the_meter_reads_what_the_driver_sets(bench: Bench, played_c: float) -> None:
    """Driver, wire, decade, leads, input, firmware: within 0.03 K of the input's reference, the leads and the decade,
    and not the water's 20 degC; its own element would be of class B at best."""
    line = Line(make(fitted=Fitted.PT1000))
    line.meter.probe.play_resistance(lambda: bench.box.resistance_ohm() + RTD_LEADS_OHM)
    bench.rtd.set_resistance_ohm(Element().resistance_ohm(played_c))
    line.flow(100.0, 10.0, 20.0)
    registers = line.meter.registers()
    assert registers.sensor_fault is None
    lead_error_k = RTD_LEADS_OHM / 3.85
    assert registers.water_temp_c == pytest.approx(played_c + lead_error_k, abs=0.03 + 0.01)


@pytest.mark.requirement("ADR-020")
def test_an_open_output_is_an_open_input_of_the_meter(bench: Bench) -> None:
    """The firmware reports it two seconds later, goes by the speed of sound, and comes back."""
    line = Line(make(fitted=Fitted.PT1000))
    line.meter.probe.play_resistance(lambda: bench.box.resistance_ohm() + RTD_LEADS_OHM)
    line.flow(100.0, 4.0, 20.0)
    assert line.meter.registers().sensor_fault is SensorFault.OPEN
    bench.rtd.set_resistance_ohm(1077.935)
    line.flow(100.0, 4.0, 20.0)
    assert line.meter.registers().sensor_fault is None
    bench.rtd.make_safe()
    line.flow(100.0, 4.0, 20.0)
    assert line.meter.registers().sensor_fault is SensorFault.OPEN
    assert line.meter.registers().water_temp_c == pytest.approx(20.0, abs=0.2)


def test_a_meter_without_the_input_cannot_be_played_to() -> None:
    """Told at once."""
    with pytest.raises(ValueError, match="no input for a PT1000"):
        make().probe.play_resistance(lambda: 1000.0)


def seat(meter: ReferenceMeter) -> Simulated:
    """Its place at a simulated station, as far as the decade needs it."""
    known: Any = {"role": "rtd", "driver": "meatest_m631", "settings": {}, "slot": 2, "meter": meter, "seed": 1}
    known |= {"rng": np.random.default_rng(1), "faults": FaultPlan()}
    return Simulated(**{field.name: known.get(field.name) for field in dataclasses.fields(Simulated)})


def test_the_virtual_lab_wires_it_to_the_meter_in_its_slot(loop_thread: LoopThread) -> None:
    """Set by the driver, read by the meter: the water's temperature in its register is the decade's."""
    line = Line(make(fitted=Fitted.PT1000))
    server = SIMULATORS["meatest_m631"](seat(line.meter))
    rtd = open_meatest_m631(Place("rtd 2", loop_thread.run(server.start()), WallClock()))
    rtd.set_resistance_ohm(Element().resistance_ohm(18.0))
    line.flow(100.0, 10.0, 20.0)
    assert line.meter.registers().water_temp_c == pytest.approx(18.0 + RTD_LEADS_OHM / 3.85, abs=0.1)
    rtd.close()
    loop_thread.run(server.stop())


def test_the_virtual_lab_refuses_a_meter_without_the_input() -> None:
    """The sentence says where to write what."""
    with pytest.raises(ConfigError, match=r'rtd: the meter in slot 2 has no input .* sensor = "pt1000"'):
        SIMULATORS["meatest_m631"](seat(make()))
