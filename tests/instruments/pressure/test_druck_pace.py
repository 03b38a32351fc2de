"""The Druck PACE as a pressure gauge: wire with and without headers, range, unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import pyvisa

from meterbench.errors import BenchError, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import ReferencePressure
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.place import Place
from meterbench.instruments.pressure.druck_pace import DruckPace, DruckPaceSettings, open_druck_pace
from meterbench.instruments.pressure.druck_pace_sim import DruckPaceSim
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.world.clock import WallClock

if TYPE_CHECKING:
    from tests.instruments.conftest import ServeScpi


def gauge_of(server: ScpiServer) -> DruckPace:
    place = Place("pressure", server.address, WallClock())
    gauge = open_druck_pace(place, DruckPaceSettings(full_scale_kpa=1600.0))
    gauge._link._deadline_s = 0.3
    return gauge


def sim_of(pressure_kpa: Callable[[], float], faults: FaultPlan, **options: bool) -> DruckPaceSim:
    return DruckPaceSim(pressure_kpa, faults, lambda: 0.0, **options)


def test_a_reading_on_the_wire(serve_scpi: ServeScpi) -> None:
    """The golden exchange (K0472, instruments.md 5), with the firmware that repeats headers."""
    faults = FaultPlan()
    server = serve_scpi(sim_of(lambda: 312.5, faults).scpi, faults)
    gauge = gauge_of(server)
    first = len(server.transcript)
    assert gauge.pressure_kpa() == 312.5
    assert [entry.line for entry in server.transcript[first:]] == [
        b":UNIT:PRES KPA;:UNIT:PRES?;:SYST:ERR?\n",
        b':UNIT:PRES KPA;:SYST:ERR 0,"No error"\n',
        b":SENS:PRES:RANG?;:SENS:PRES:RANG?;:SYST:ERR?\n",
        b':SENS:PRES:RANG "16.00barg";:SENS:PRES:RANG "16.00barg";:SYST:ERR 0,"No error"\n',
        b":SENS:PRES?;:SENS:PRES?;:SYST:ERR?\n",
        b':SENS:PRES 312.5000000;:SENS:PRES 312.5000000;:SYST:ERR 0,"No error"\n',
    ]
    gauge.close()


@pytest.mark.parametrize("headers", [True, False])
@pytest.mark.parametrize("wire", ["tcp", "hislip"])
def test_it_is_a_reference_pressure(serve_scpi: ServeScpi, wire: str, headers: bool) -> None:
    """Above and below the air, whether or not headers are repeated."""
    line_kpa = [0.0]
    faults = FaultPlan()
    server = serve_scpi(sim_of(lambda: line_kpa[0], faults, headers=headers).scpi, faults, wire)
    driver = gauge_of(server)
    gauge: ReferencePressure = driver
    assert gauge.identity.model == "Pace5000 User Interface"
    for line_kpa[0] in (0.0, -50.0, 1.0, 987.654, 1600.0):
        assert gauge.pressure_kpa() == pytest.approx(line_kpa[0], abs=1e-6)
    driver.close()


@pytest.mark.parametrize("pressure_kpa", [1601.0, 5000.0, -110.0])
def test_out_of_range_is_an_instrument_error(serve_scpi: ServeScpi, pressure_kpa: float) -> None:
    """Also where the sensor just saturates."""
    faults = FaultPlan()
    gauge = gauge_of(serve_scpi(sim_of(lambda: pressure_kpa, faults).scpi, faults))
    with pytest.raises(InstrumentError, match=r"pressure at .*out of range"):
        gauge.pressure_kpa()
    gauge.close()


def test_absolute_pressure_is_refused(serve_scpi: ServeScpi) -> None:
    """101 kPa too much would be a wrong value."""
    faults = FaultPlan()
    gauge = gauge_of(serve_scpi(sim_of(lambda: 300.0, faults, absolute=True).scpi, faults))
    with pytest.raises(InstrumentError, match=r"not a gauge range"):
        gauge.pressure_kpa()
    gauge.close()


def test_pressure_that_moves_is_no_reading(serve_scpi: ServeScpi) -> None:
    """Two readings must agree within 0.02 % of the range: nothing else protects their digits."""
    rising_kpa = iter(range(0, 1000, 10))
    faults = FaultPlan()
    gauge = gauge_of(serve_scpi(sim_of(lambda: float(next(rising_kpa)), faults).scpi, faults))
    with pytest.raises(ProtocolError, match="not the same twice"):
        gauge.pressure_kpa()
    gauge.close()


def test_after_a_restart_it_measures_in_kpa_again(serve_scpi: ServeScpi) -> None:
    """Its power-on unit is bar."""
    faults = FaultPlan()
    sim = sim_of(lambda: 300.0, faults)
    gauge = gauge_of(serve_scpi(sim.scpi, faults))
    faults.add(Fault(FaultKind.RESTART, after=2))
    with pytest.raises(BenchError, match="pressure at"):
        gauge.pressure_kpa()
    assert sim._unit.get() == "BAR"
    assert gauge.pressure_kpa() == 300.0
    gauge.close()


@pytest.mark.peer
def test_the_simulator_as_another_client_sees_it(serve_scpi: ServeScpi) -> None:
    """Units, headers, refusals."""
    server = serve_scpi(sim_of(lambda: 250.0, FaultPlan()).scpi, FaultPlan())
    client = pyvisa.ResourceManager("@py").open_resource(server.address, read_termination="\n", write_termination="\n")
    assert isinstance(client, pyvisa.resources.MessageBasedResource)
    with client:
        assert client.query("*IDN?").startswith("*IDN GE Druck,Pace5000")
        assert client.query(":UNIT:PRES?") == ":UNIT:PRES BAR"
        assert client.query(":SENS:PRES?") == ":SENS:PRES 2.5000000"
        assert client.query(":SENS:PRES:INL?") == ":SENS:PRES:INL 2.5000000, 0"
        client.write(":UNIT:PRES TORR")
        assert client.query(":SYST:ERR?") == ':SYST:ERR -224,"Illegal parameter value;TORR"'
        assert client.query(":OUTP:STAT?") == ":OUTP:STAT 0"


def test_a_box_that_keeps_its_own_unit_is_refused(serve_scpi: ServeScpi) -> None:
    """3.125 bar is no 3.125 kPa: the unit is read back with each reading."""
    faults = FaultPlan()
    sim = sim_of(lambda: 312.5, faults)
    sim.scpi.command("UNIT:PRESsure", lambda _: None, least=1)
    gauge = gauge_of(serve_scpi(sim.scpi, faults))
    with pytest.raises(InstrumentError, match="it does not measure in kPa"):
        gauge.pressure_kpa()
    gauge.close()
