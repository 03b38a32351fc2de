"""The auxiliary supply: wire, physics of its output, refusals, over a real socket and HiSLIP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import pyvisa

from meterbench.errors import BenchError, ConfigError, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Actor, Supply, SupplyReading, SupplyStatus
from meterbench.instruments.drivers import checked_settings
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.place import Place
from meterbench.instruments.supply.keysight_e36312a import (
    KeysightE36312A,
    KeysightE36312ASettings,
    open_keysight_e36312a,
)
from meterbench.instruments.supply.keysight_e36312a_sim import KeysightE36312ASim
from meterbench.world.clock import WallClock

if TYPE_CHECKING:
    from tests.instruments.conftest import ServeScpi

OK = b'0,"No error"\n'


class Bench:
    """100 ohm at channel 1, and the driver."""

    def __init__(self, serve_scpi: ServeScpi, wire: str = "") -> None:
        self.load_ohm = 100.0
        self.faults = FaultPlan()
        self.box = KeysightE36312ASim({1: lambda voltage_v: 1000.0 * voltage_v / self.load_ohm}, self.faults, lambda: 0)
        self.server = serve_scpi(self.box.scpi, self.faults, wire)
        settings = KeysightE36312ASettings(channel=1, overvoltage_v=5.5)
        self.supply: KeysightE36312A = open_keysight_e36312a(
            Place("aux_supply", self.server.address, WallClock()), settings
        )
        self.supply._link._deadline_s = 0.3

    def lines_of(self, first: int) -> list[bytes]:
        return [entry.line for entry in self.server.transcript[first:]]


@pytest.fixture
def bench(serve_scpi: ServeScpi) -> Iterator[Bench]:
    bench = Bench(serve_scpi)
    yield bench
    bench.supply.close()


def test_set_and_measure_on_the_wire(bench: Bench) -> None:
    """The golden exchange (E36300 Programming Guide, instruments.md 4.4): three set-points and their read-back."""
    first = len(bench.server.transcript)
    bench.supply.set_output(3.3, 200.0)
    assert bench.lines_of(first) == [
        b"VOLT:PROT 5.5000,(@1);:VOLT 3.3000,(@1);:CURR 0.2000,(@1);:SYST:ERR?\n",
        OK,
        b"VOLT:PROT? (@1);:VOLT:PROT? (@1);:SYST:ERR?\n",
        b"+5.50000000E+00;+5.50000000E+00;" + OK,
        b"VOLT? (@1);:VOLT? (@1);:SYST:ERR?\n",
        b"+3.30000000E+00;+3.30000000E+00;" + OK,
        b"CURR? (@1);:CURR? (@1);:SYST:ERR?\n",
        b"+2.00000000E-01;+2.00000000E-01;" + OK,
    ]
    bench.supply.switch_on()
    first = len(bench.server.transcript)
    assert bench.supply.measure() == SupplyReading(3.3, pytest.approx(33.0))
    assert bench.lines_of(first) == [
        b"MEAS:VOLT? (@1);:MEAS:VOLT? (@1);:SYST:ERR?\n",
        b"+3.30000000E+00;+3.30000000E+00;" + OK,
        b"MEAS:CURR? (@1);:MEAS:CURR? (@1);:SYST:ERR?\n",
        b"+3.30000000E-02;+3.30000000E-02;" + OK,
    ]


@pytest.mark.parametrize("wire", ["tcp", "hislip"])
def test_it_is_a_supply_on_both_wires(serve_scpi: ServeScpi, wire: str) -> None:
    """On, limiting, off: the status follows."""
    bench = Bench(serve_scpi, wire)
    supply: Supply = bench.supply
    assert isinstance(supply, Actor)
    assert supply.identity.model == "E36312A"
    supply.set_output(5.0, 100.0)
    assert supply.status() == SupplyStatus(on=False, limiting=False, tripped=())
    assert supply.measure() == SupplyReading(0.0, 0.0)
    supply.switch_on()
    assert supply.status() == SupplyStatus(on=True, limiting=False, tripped=())
    bench.load_ohm = 10.0
    assert supply.status() == SupplyStatus(on=True, limiting=True, tripped=())
    assert supply.measure() == SupplyReading(pytest.approx(1.0, abs=1e-6), pytest.approx(100.0))
    supply.make_safe()
    supply.make_safe()
    assert supply.status() == SupplyStatus(on=False, limiting=False, tripped=())
    supply.close()


def test_a_tripped_protection_is_named(bench: Bench) -> None:
    """The output is off, and switching it on is refused until it is cleared at the box."""
    bench.supply.set_output(5.0, 100.0)
    bench.supply.switch_on()
    bench.supply._link.write("VOLT:PROT 4.0,(@1)")
    assert bench.supply.status() == SupplyStatus(on=False, limiting=False, tripped=("over-voltage",))
    with pytest.raises(InstrumentError, match="protection has tripped"):
        bench.supply.switch_on()
    assert bench.box.voltage_v(1) == 0.0


@pytest.mark.parametrize(
    ("voltage_v", "limit_ma", "ohm", "why"),
    [
        (5.6, 100.0, 0.0, "over-voltage protection is set to 5.5 V"),
        (-1.0, 100.0, 0.0, "-222"),
        (5.0, 6000.0, 0.0, "-222"),
        (5.0, 100.0, 1.0, "output resistance"),
        (float("nan"), 100.0, 0.0, "no numbers"),
    ],
)
def test_what_it_cannot_do_is_an_instrument_error(
    bench: Bench, voltage_v: float, limit_ma: float, ohm: float, why: str
) -> None:
    """And then there is nothing to switch on."""
    bench.supply.set_output(1.0, 50.0)
    with pytest.raises(InstrumentError, match=why):
        bench.supply.set_output(voltage_v, limit_ma, ohm)
    assert bench.box.voltage_v(1) == 0.0


def test_without_a_set_point_it_does_not_switch_on(bench: Bench) -> None:
    """Nor after one that was refused."""
    with pytest.raises(InstrumentError, match="call set_output first"):
        bench.supply.switch_on()
    with pytest.raises(InstrumentError):
        bench.supply.set_output(5.0, 6000.0)
    with pytest.raises(InstrumentError, match="call set_output first"):
        bench.supply.switch_on()


def test_a_box_that_was_switched_off_gets_its_set_points_again(bench: Bench) -> None:
    """The power-on ones (0 V, protection at 6.6 V) never feed."""
    bench.supply.set_output(3.3, 200.0)
    bench.faults.add(Fault(FaultKind.RESTART))
    with pytest.raises(BenchError, match="aux_supply"):
        bench.supply.status()
    assert not bench.supply.status().on
    bench.supply.switch_on()
    assert bench.supply.measure().voltage_v == pytest.approx(3.3)
    assert bench.supply._link.query("VOLT:PROT? (@1)") == "+5.50000000E+00"


def test_a_load_that_changes_is_not_measured(bench: Bench) -> None:
    """Two readings must agree; a garbled one would not."""
    bench.supply.set_output(3.3, 200.0)
    bench.supply.switch_on()
    steps = iter(range(100))
    bench.box._loads = {1: lambda _: 10.0 * next(steps)}
    with pytest.raises(ProtocolError, match=r"not the same twice, within 0\.005"):
        bench.supply.measure()


def test_beyond_its_range_is_an_instrument_error(bench: Bench) -> None:
    """Never a number."""
    bench.faults.add(Fault(FaultKind.SATURATE, count=-1))
    with pytest.raises(InstrumentError, match="voltage out of range"):
        bench.supply.measure()


def test_its_status_is_one_exchange(bench: Bench) -> None:
    """Output, mode and both protections belong to one moment: they are asked twice in one message."""
    bench.supply.set_output(3.3, 200.0)
    bench.supply.switch_on()
    first = len(bench.server.transcript)
    assert bench.supply.status() == SupplyStatus(on=True, limiting=False, tripped=())
    queries = b"OUTP? (@1);:STAT:QUES:INST:ISUM1:COND?;:VOLT:PROT:TRIP? (@1);:CURR:PROT:TRIP? (@1);:"
    assert bench.lines_of(first) == [2 * queries + b"SYST:ERR?\n", b"1;2;0;0;1;2;0;0;" + OK]


def test_hardware_failure_is_an_instrument_error(bench: Bench) -> None:
    """Mode 3 (E364xA Guide p. 120); another number is no mode."""
    bench.box.scpi.command("STATus:QUEStionable:INSTrument:ISUMmary<3>:CONDition?", lambda _: "3")
    with pytest.raises(InstrumentError, match="hardware failure"):
        bench.supply.status()
    bench.box.scpi.command("STATus:QUEStionable:INSTrument:ISUMmary<3>:CONDition?", lambda _: "4")
    with pytest.raises(ProtocolError, match="from 0 to 3"):
        bench.supply.status()


@pytest.mark.peer
def test_the_simulator_as_another_client_sees_it(serve_scpi: ServeScpi) -> None:
    """Channel lists, protections, refusals by the box itself."""
    sim = KeysightE36312ASim({2: lambda _: 2000.0}, FaultPlan(), lambda: 0.0)
    server = serve_scpi(sim.scpi, FaultPlan())
    client = pyvisa.ResourceManager("@py").open_resource(server.address, read_termination="\n", write_termination="\n")
    assert isinstance(client, pyvisa.resources.MessageBasedResource)
    with client:
        client.write("VOLT 12,(@2,3);CURR 0.5,(@2:3);:OUTP ON,(@1:3)")
        assert client.query("OUTP? (@1:3)") == "1,1,0"  # 12 V trips the protection at 6.6 V where no load pulls it down
        assert client.query("STAT:QUES:INST:ISUM1:COND?;:STAT:QUES:INST:ISUM3:COND?") == "2;0"
        assert client.query("VOLT:PROT:TRIP? (@2,3)") == "0,1"
        client.write("VOLT:PROT 20,(@2,3)")
        client.write("OUTP ON,(@3)")
        assert client.query("SYST:ERR?").startswith("-221")
        client.write("OUTP:PROT:CLE (@2,3);:OUTP ON,(@2,3)")
        assert client.query("STAT:QUES:INST:ISUM2:COND?;:STAT:QUES:INST:ISUM3:COND?") == "1;2"
        assert client.query("MEAS:CURR? (@2)") == "+5.00000000E-01"
        client.write("CURR:PROT:STAT ON,(@2)")
        assert client.query("CURR:PROT:TRIP? (@2);:OUTP? (@2)") == "1;0"
        client.write("VOLT 7,(@1)")
        assert client.query("SYST:ERR?") == '-222,"Data out of range;7"'
        client.write("VOLT 1,(@4)")
        assert client.query("SYST:ERR?").startswith("-222")
        client.write("*RST")
        assert client.query("OUTP? (@1:3);:VOLT? (@2)") == "0,0,0;+0.00000000E+00"


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"channel": 4, "overvoltage_v": 5.0}, "settings.channel"), ({"channel": 1}, "settings.overvoltage_v")],
)
def test_settings_are_checked(settings: dict[str, float], message: str) -> None:
    """The key is named."""
    with pytest.raises(ConfigError, match=message):
        checked_settings("keysight_e36312a", settings)
