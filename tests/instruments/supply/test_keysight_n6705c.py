"""The N6705C with an N6781A: wire, protections and data log over a real socket. Kinds: wire, fault."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest

from meterbench.errors import BenchError, ConfigError, InstrumentError
from meterbench.instruments.capabilities import CurrentLogger
from meterbench.instruments.drivers import checked_settings
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.supply.keysight_n6705c import KeysightN6705C, N6705Settings, open_keysight_n6705c
from meterbench.instruments.supply.keysight_n6705c_sim import KeysightN6705CSim
from tests.instruments.supply.loads import Bench

PERIOD_S = 50 * 20.48e-6


class N6705Bench(Bench):
    """The box on a load, and the driver."""

    def __init__(self, loop_thread: LoopThread) -> None:
        super().__init__(KeysightN6705CSim)
        self.address = loop_thread.run(self.server.start())
        self.supply: KeysightN6705C = open_keysight_n6705c(
            Place("supply slot 1", self.address, self.clock), N6705Settings()
        )
        self.supply._link._deadline_s = 0.3

    def asked(self, first: int) -> list[bytes]:
        return [entry.line for entry in self.server.transcript[first:] if entry.direction == ">"]


@pytest.fixture
def bench(loop_thread: LoopThread) -> Iterator[N6705Bench]:
    bench = N6705Bench(loop_thread)
    yield bench
    bench.supply.close()
    loop_thread.run(bench.server.stop())


def test_it_is_a_current_logger(bench: N6705Bench) -> None:
    """With role, identity and trace; it was handed over switched on at 3.6 V."""
    supply: CurrentLogger = bench.supply
    assert (supply.role, supply.identity.model) == ("supply slot 1", "N6705C")
    assert supply.status().on
    assert supply.trace()


def test_another_module_is_refused(bench: N6705Bench) -> None:
    """The mainframe takes many; this one has only channel 1."""
    with pytest.raises(BenchError, match="supply slot 1"):
        open_keysight_n6705c(Place("supply slot 1", bench.address, bench.clock), N6705Settings(channel=2))


def test_protections_go_first_and_everything_is_read_back(bench: N6705Bench) -> None:
    """Golden exchange, instruments.md 4.3 (every command has a channel list) and 9 (0.6 A, 4.0 V)."""
    first = len(bench.server.transcript)
    bench.supply.set_output(3.6, 600.0, 0.5)
    read_back = "VOLT:PROT? (@1);:CURR:LIM? (@1);:RES? (@1);:RES:STAT? (@1);:VOLT? (@1)"
    assert bench.asked(first) == [
        b"EMUL? (@1);:SYST:ERR?\n",
        b"EMUL BATT,(@1);:SYST:ERR?\n",
        b"VOLT:PROT 4,(@1);:CURR:LIM 0.6,(@1);:RES 0.5,(@1);:RES:STAT 1,(@1);:VOLT 3.6,(@1)"
        b";:SENS:CURR:RANG:AUTO 1,(@1);:SYST:ERR?\n",
        f"{read_back};:{read_back};:SYST:ERR?\n".encode(),
    ]
    assert (bench.load.output.resistance_ohm, bench.load.output.limit_ma) == (0.5, 600.0)


@pytest.mark.parametrize(
    ("volts", "limit_ma", "ohm", "why"),
    [(4.1, 500.0, 0.0, "4.1 V"), (3.6, 601.0, 0.0, "600 mA"), (3.6, 500.0, 4.0, "a resistor box in series")],
)
def test_what_it_cannot_or_must_not_do_is_not_sent(
    bench: N6705Bench, volts: float, limit_ma: float, ohm: float, why: str
) -> None:
    """A cell of 4 ohm is beyond its emulation: the sentence says what to do."""
    first = len(bench.server.transcript)
    with pytest.raises(InstrumentError, match=why):
        bench.supply.set_output(volts, limit_ma, ohm)
    assert bench.asked(first) == []


def test_a_period_that_is_too_short_is_refused() -> None:
    """102.4 us for each of the two parameters."""
    with pytest.raises(ConfigError, match=r"settings\.log_period_s"):
        checked_settings("keysight_n6705c", {"log_period_s": 102.4e-6})


def test_it_is_not_switched_on_without_its_protections(bench: N6705Bench) -> None:
    """After a power cut it has its own."""
    bench.supply.set_output(3.6, 500.0)
    bench.supply._link.write("*RST")
    with pytest.raises(InstrumentError, match=r"VOLT:PROT\?.*it has 22, not 4"):
        bench.supply.switch_on()
    bench.supply.set_output(3.6, 500.0)
    bench.supply.switch_on()
    assert bench.load.output.open_v == pytest.approx(3.6, abs=2e-3)
    bench.supply.make_safe()
    assert bench.load.output.open_v == 0.0
    assert not bench.supply.status().on


def test_limit_and_trip_are_seen(bench: N6705Bench) -> None:
    """STAT:QUES and STAT:OPER (bits unconfirmed)."""
    bench.supply.set_output(3.6, 100.0)
    bench.load.wants_ma = 250.0
    assert bench.supply.status().limiting
    bench.load.wants_ma = 0.02
    assert not bench.supply.status().limiting
    bench.supply._link.write("VOLT 4.5,(@1)")
    assert bench.supply.status().tripped == ("over-voltage",)
    assert not bench.supply.status().on


def test_a_reading_is_fetched_twice(bench: N6705Bench) -> None:
    """0.5 mA in the range of 1 mA: gain 0.025 %, offset 0.03 % of the range."""
    bench.supply.set_output(3.6, 600.0)
    bench.load.wants_ma = 0.5
    first = len(bench.server.transcript)
    assert bench.supply.measure().current_ma == pytest.approx(0.5, abs=4.5e-4)
    assert bench.asked(first) == [
        b"SENS:CURR:RANG:AUTO 1,(@1);:MEAS:CURR? (@1);:SYST:ERR?\n",
        b"FETC:CURR? (@1);:FETC:CURR? (@1);:SYST:ERR?\n",
        b"FETC:VOLT? (@1);:FETC:VOLT? (@1);:SYST:ERR?\n",
    ]


def test_a_log_has_every_sample_and_the_charge(bench: N6705Bench) -> None:
    """30 s, which is longer than its buffer (20 s): it is fetched in time. Big-endian, current first."""
    bench.supply.set_output(3.6, 600.0)
    bench.load.wants_ma = 0.5
    log = bench.supply.log(30.0)
    assert log.period_s == pytest.approx(PERIOD_S)
    assert len(log.current_ma) == int(np.ceil(30.0 / PERIOD_S))
    assert log.mean_ma == pytest.approx(0.5, abs=4.5e-4)
    assert log.voltage_v.mean() == pytest.approx(3.6, abs=5e-3)


def test_an_overrun_is_an_error(bench: N6705Bench) -> None:
    """What is not fetched within 20 s is overwritten."""
    bench.supply.set_output(3.6, 600.0)
    bench.clock.every(4.0, lambda: bench.load.live(30.0) if bench.load.now_s < 5.0 else None)
    with pytest.raises(InstrumentError, match="some were lost"):
        bench.supply.log(60.0)


def test_a_log_in_which_a_protection_tripped_is_an_error(bench: N6705Bench) -> None:
    """Nothing is drawn from an output that is off: that is no low consumption."""
    bench.supply.set_output(3.6, 600.0)
    begins_s = bench.load.now_s

    def trip() -> None:
        if bench.load.now_s >= begins_s + 3.0:
            bench.supply._link.write("VOLT 4.5,(@1)")  # somebody at the front panel

    bench.clock.every(3.0, trip)
    with pytest.raises(InstrumentError, match=r"over-voltage.*tripped during the log"):
        bench.supply.log(4.0)


def test_an_overload_is_never_a_current(bench: N6705Bench) -> None:
    """In a reading and in a log."""
    bench.supply.set_output(3.6, 600.0)
    bench.faults.add(Fault(FaultKind.SATURATE, count=-1))
    with pytest.raises(InstrumentError, match="beyond its range"):
        bench.supply.measure()
    with pytest.raises(InstrumentError, match="samples are beyond the range"):
        bench.supply.log(1.0)


def test_the_box_from_its_own_side(bench: N6705Bench) -> None:
    """Raw questions, and its own refusals."""
    link = bench.supply._link
    assert link.query("SYST:CHAN:MOD? (@1)") == '"N6781A"'
    for text, code in [
        ("VOLT 21,(@1)", "-222"),
        ("VOLT 3.6", "-109"),
        ("VOLT 3.6,(@2)", "-222"),
        ("RES 1.1,(@1)", "-222"),
        ("INIT:ELOG (@1)", "-221"),
        ("TRIG:ELOG (@1)", "-221"),
        ("MEAS:RES? (@1)", "-113"),
    ]:
        with pytest.raises(InstrumentError, match=code):
            link.write(text)
    link.write("SENS:ELOG:FUNC:CURR 1,(@1);:SENS:ELOG:FUNC:VOLT 1,(@1);:SENS:ELOG:PER 0.00102,(@1)")
    assert float(link.query("SENS:ELOG:PER? (@1)")) == pytest.approx(PERIOD_S)
    link.write("INIT:ELOG (@1);:TRIG:ELOG (@1)")
    bench.clock.sleep(3 * PERIOD_S)
    block = link.query_block("FETC:ELOG? 16384,(@1)")
    assert len(block) == 3 * 8
    assert struct.unpack(">f", block[4:8])[0] == pytest.approx(3.6, abs=5e-3)
    link.write("FORM:BORD SWAP")
    bench.clock.sleep(PERIOD_S)
    assert struct.unpack("<f", link.query_block("FETC:ELOG? 16384,(@1)")[4:8])[0] == pytest.approx(3.6, abs=5e-3)


def test_golden_exchange_of_a_log(bench: N6705Bench) -> None:
    """Stopped, set, its period read back, started; fetched and stopped (instruments.md 4.3; N6700C manual p. 143)."""
    first = len(bench.server.transcript)
    assert len(bench.supply.log(5 * PERIOD_S).current_ma) == 5
    asked = [line.removesuffix(b";:SYST:ERR?\n") for line in bench.asked(first)]
    set_up = (
        b"ABOR:ELOG (@1);:SENS:CURR:RANG:AUTO 1,(@1);:SENS:ELOG:FUNC:CURR 1,(@1);:SENS:ELOG:FUNC:VOLT 1,(@1)"
        b";:SENS:ELOG:FUNC:CURR:MINM 0,(@1);:SENS:ELOG:FUNC:VOLT:MINM 0,(@1);:SENS:ELOG:PER 0.001024,(@1)"
        b";:TRIG:TRAN:SOUR BUS,(@1);:FORM REAL;:FORM:BORD NORM"
    )
    at = asked.index(set_up)
    assert asked[at + 1] == b"SENS:ELOG:PER? (@1);:SENS:ELOG:PER? (@1)"
    start = asked.index(b"INIT:ELOG (@1);:TRIG:ELOG (@1)")
    assert set(asked[start + 1 : start + 3]) == {b"FETC:ELOG? 16384,(@1)", b"ABOR:ELOG (@1)"}


def test_an_elog_block_is_current_and_voltage_in_four_bytes_each(
    bench: N6705Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most significant byte first: (23.44 uA, 3.6 V), (13.2 uA, 3.6 V), the numbers of vector 10 of instruments.md."""
    block = bytes.fromhex("37C4A104 40666666 375D7591 40666666")
    monkeypatch.setattr(bench.supply._link, "query_block", lambda text: block)
    np.testing.assert_allclose(bench.supply._fetch(), [[3.6, 23.44e-3], [3.6, 13.2e-3]], rtol=1e-6)
