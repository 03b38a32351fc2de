"""The NGU201: wire, protections, log and battery over a real socket. Kinds: wire, fault."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest

from meterbench.errors import BenchError, ConfigError, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import BatteryEmulator, BatteryModel
from meterbench.instruments.drivers import checked_settings
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.supply.fast_log import pairs
from meterbench.instruments.supply.fed_load import Output
from meterbench.instruments.supply.rs_ngu201 import SAMPLE, NguSettings, RsNgu201, open_rs_ngu201
from meterbench.instruments.supply.rs_ngu201_sim import RsNgu201Sim
from tests.instruments.supply.loads import Bench

CELL = BatteryModel(7.7, (0.0, 5.0, 10.0, 100.0), (2.0, 3.55, 3.66, 3.66), (12.0, 8.0, 4.0, 4.0))
SERVED_S = 0.3


class NguBench(Bench):
    """The box on a load, and the driver."""

    def __init__(self, loop_thread: LoopThread, settings: NguSettings) -> None:
        super().__init__(RsNgu201Sim)
        self.address = loop_thread.run(self.server.start())
        self.supply: RsNgu201 = open_rs_ngu201(Place("supply slot 1", self.address, self.clock), settings)
        self.supply._link._deadline_s = SERVED_S

    def asked(self, first: int) -> list[bytes]:
        return [entry.line for entry in self.server.transcript[first:] if entry.direction == ">"]


@pytest.fixture
def bench(loop_thread: LoopThread, request: pytest.FixtureRequest) -> Iterator[NguBench]:
    bench = NguBench(loop_thread, NguSettings(**getattr(request, "param", {})))
    yield bench
    bench.supply.close()
    loop_thread.run(bench.server.stop())


def test_it_is_a_battery_emulator(bench: NguBench) -> None:
    """With role, identity and trace; it was handed over switched on at 3.6 V."""
    supply: BatteryEmulator = bench.supply
    assert (supply.role, supply.identity.model) == ("supply slot 1", "NGU201")
    assert supply.status().on
    assert supply.measure().voltage_v == pytest.approx(3.6, abs=5e-3)
    assert supply.trace()


def test_protections_go_first_and_everything_is_read_back(bench: NguBench) -> None:
    """Golden exchange, instruments.md 4.2 (RsNgx 3.1.0.49) and 9 (0.6 A, 4.0 V)."""
    first = len(bench.server.transcript)
    bench.supply.set_output(3.6, 600.0, 2.5)
    read_back = "INST:NSEL?;:VOLT:PROT:LEV?;:VOLT:PROT:STAT?;:BATT:SIM:ENAB?;:CURR?;:OUTP:IMP?;:OUTP:IMP:STAT?;:VOLT?"
    assert bench.asked(first) == [
        b"INST:NSEL 1;:VOLT:PROT:LEV 4.0000;:VOLT:PROT:STAT 1;:SENS:CURR:RANG:AUTO 1;"
        b":SENS:CURR:RANG:AUTO:DOWN:MIN 10E-6;:BATT:SIM:ENAB 0;:CURR 0.600000;:OUTP:IMP 2.5000;:OUTP:IMP:STAT 1;"
        b":VOLT 3.6000;:SYST:ERR?\n",
        f"{read_back};:{read_back};:SYST:ERR?\n".encode(),
    ]
    assert bench.load.output.resistance_ohm == 2.5
    assert bench.load.output.limit_ma == 600.0


def test_a_flog_block_is_voltage_and_current_in_four_bytes_each(bench: NguBench) -> None:
    """Vector 10 of instruments.md: little-endian pairs of (3.6 V, 23.44 uA) and (3.6 V, 13.2 uA)."""
    block = bytes.fromhex("66666640 04A1C437 66666640 91755D37")
    rows = pairs(bench.supply._link, "FLOG:DATA?", block, SAMPLE)
    np.testing.assert_allclose(rows, [[3.6, 23.44e-6], [3.6, 13.2e-6]], rtol=1e-6)
    with pytest.raises(ProtocolError, match="whole pairs"):
        pairs(bench.supply._link, "FLOG:DATA?", block[:-4], SAMPLE)


@pytest.mark.parametrize(
    ("volts", "limit_ma", "ohm", "why"),
    [
        (4.1, 500.0, 0.0, "4.1 V is outside"),
        (-0.1, 500.0, 0.0, "outside of 0 to 4 V"),
        (3.6, 601.0, 0.0, "1 to 600 mA"),
        (3.6, 0.0, 0.0, "1 to 600 mA"),
        (3.6, float("nan"), 0.0, "1 to 600 mA"),
        (3.6, 500.0, 101.0, "101 ohm"),
    ],
)
def test_what_no_meter_may_be_given_is_not_even_sent(
    bench: NguBench, volts: float, limit_ma: float, ohm: float, why: str
) -> None:
    """The electrical rule: 0.6 A, 4.0 V."""
    first = len(bench.server.transcript)
    with pytest.raises(InstrumentError, match=why):
        bench.supply.set_output(volts, limit_ma, ohm)
    assert bench.asked(first) == []


def test_settings_cannot_break_the_rule() -> None:
    """A station file may lower the protection, not raise it."""
    with pytest.raises(ConfigError, match=r"settings\.overvoltage_v"):
        checked_settings("rs_ngu201", {"overvoltage_v": 5.0})
    with pytest.raises(ConfigError, match=r"settings\.log_rate"):
        checked_settings("rs_ngu201", {"log_rate": "S002k"})


def test_it_is_not_switched_on_without_its_protections(bench: NguBench) -> None:
    """A box that came back from a power cut has its own ideas of both."""
    bench.supply.set_output(3.6, 500.0)
    bench.supply._link.write("*RST")
    assert not bench.supply.status().on
    with pytest.raises(InstrumentError, match=r"VOLT:PROT:LEV\?.*it has 22, not 4"):
        bench.supply.switch_on()
    assert bench.load.output.open_v == 0.0
    bench.supply.set_output(3.6, 500.0)
    bench.supply.switch_on()
    assert bench.supply.status().on
    assert bench.load.output.open_v == pytest.approx(3.6, abs=2e-3)


def test_make_safe_is_off_and_twice_is_once(bench: NguBench) -> None:
    """Read back."""
    for _ in range(2):
        bench.supply.make_safe()
        assert bench.load.output.open_v == 0.0
        assert not bench.supply.status().on


@pytest.mark.parametrize(
    ("current_ma", "within_ma"), [(0.0164, 35e-6), (0.9, 5e-4), (45.0, 0.04), (450.0, 0.4)], ids=str
)
def test_it_measures_from_microamperes_to_a_transmission(bench: NguBench, current_ma: float, within_ma: float) -> None:
    """In the range that holds it: gain 0.025 %, offset 0.02 % of the range."""
    bench.supply.set_output(3.6, 600.0)
    bench.load.wants_ma = current_ma
    assert bench.supply.measure().current_ma == pytest.approx(current_ma, abs=within_ma)


def test_without_the_drivers_floor_the_lowest_ranges_would_not_be_used(bench: NguBench) -> None:
    """What *RST leaves (1 mA) has ten times the offset: the reason for DOWN:MIN."""
    bench.supply._link.write("SENS:CURR:RANG:AUTO:DOWN:MIN 1E-3")
    coarse = [bench.sim.stage.measure()[1] for _ in range(50)]
    bench.supply.set_output(3.6, 600.0)
    fine = [bench.sim.stage.measure()[1] for _ in range(50)]
    assert np.std(fine) < 0.2 * np.std(coarse)


def test_an_overload_is_never_a_current(bench: NguBench) -> None:
    """SCPI's infinity in an answer, and in a log."""
    bench.supply.set_output(3.6, 600.0)
    bench.faults.add(Fault(FaultKind.SATURATE, count=-1))
    with pytest.raises(InstrumentError, match="beyond its range"):
        bench.supply.measure()
    with pytest.raises(InstrumentError, match="samples are beyond the range"):
        bench.supply.log(1.0)


def test_a_range_that_somebody_fixed_is_not_kept(bench: NguBench) -> None:
    """At the front panel: 45 mA in the range of 1 mA is an overload, and the driver ranges by itself again."""
    bench.load.wants_ma = 45.0
    bench.supply._link.write("SENS:CURR:RANG:AUTO 0;:SENS:CURR:RANG 0.001")
    assert bench.supply._link.query("MEAS:CURR?") == "+9.900000E+37"
    assert bench.supply.measure().current_ma == pytest.approx(45.0, abs=0.04)


def test_a_current_that_is_not_steady_is_not_one_reading(bench: NguBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two readings must agree; what changes is to be logged."""
    bench.supply.set_output(3.6, 600.0)
    wandering = iter([10.0, 20.0] * 20)
    measure = bench.sim.stage.measure

    def at_another_current() -> tuple[float, float]:
        bench.load.wants_ma = next(wandering)
        return measure()

    monkeypatch.setattr(bench.sim.stage, "measure", at_another_current)
    with pytest.raises(InstrumentError, match="not steady"):
        bench.supply.measure()


def test_limit_and_trip_are_seen(bench: NguBench) -> None:
    """STAT:QUES bits 0 and 9 (NGM manual p. 166)."""
    bench.supply.set_output(3.6, 100.0)
    bench.load.wants_ma = 250.0
    status = bench.supply.status()
    assert (status.on, status.limiting, status.tripped) == (True, True, ())
    bench.load.wants_ma = 0.02
    bench.supply._link.write("VOLT 4.5")  # somebody at the front panel
    status = bench.supply.status()
    assert (status.on, status.limiting, status.tripped) == (False, False, ("over-voltage",))
    bench.supply.set_output(3.6, 100.0)
    with pytest.raises(InstrumentError, match="protection tripped"):
        bench.supply.switch_on()
    assert bench.load.output.open_v == 0.0


# The log.


@pytest.mark.parametrize("bench", [{}, {"log_rate": "S010k"}], indirect=True)
def test_a_log_has_every_sample_and_the_charge(bench: NguBench) -> None:
    """60 s of 16.4 uA with 8 pulses of 13 nC a second in it: the mean is the charge drawn."""
    bench.supply.set_output(3.6, 600.0)
    bench.load.pulses_per_s, bench.load.pulse_mc = 8.0, 13e-6
    log = bench.supply.log(20.0)
    assert len(log.current_ma) == len(log.voltage_v) == round(20.0 / log.period_s)
    assert log.mean_ma == pytest.approx(0.0164, abs=25e-6)
    assert log.charge_mah == pytest.approx(0.0164 * 20 / 3600, rel=2e-3)
    assert log.voltage_v.mean() == pytest.approx(3.6, abs=5e-3)
    pulses = log.current_ma > 0.0164 + 5e-3
    per_pulse = round(1e-3 / log.period_s)
    assert pulses.sum() == pytest.approx(160 * per_pulse, abs=160 * max(1, 0.2 * per_pulse))


def test_a_transmission_stands_in_the_log(bench: NguBench) -> None:
    """45 mA for a second, in the middle of microamperes: every sample in its own range."""
    bench.supply.set_output(3.6, 600.0)

    def transmit() -> None:
        bench.load.wants_ma = 45.0 if 3.0 <= bench.load.now_s < 4.0 else 0.0164

    bench.clock.every(0.5, transmit)
    log = bench.supply.log(8.0)
    assert log.charge_mah * 3600.0 == pytest.approx(45.0 + 7 * 0.0164, rel=1e-3)
    assert log.current_ma[:2000].mean() == pytest.approx(0.0164, abs=25e-6)


def test_a_log_with_a_hole_is_an_error(bench: NguBench) -> None:
    """This computer was busy for longer than the box keeps its samples (10 s)."""
    bench.supply.set_output(3.6, 600.0)
    busy = bench.clock.every(3.0, lambda: bench.load.live(30.0) if bench.load.now_s < 5.0 else None)
    with pytest.raises(InstrumentError, match="some were lost"):
        bench.supply.log(60.0)
    busy.cancel()
    assert len(bench.supply.log(5.0).current_ma) == 5000


def test_a_restart_in_the_middle_is_an_error(bench: NguBench) -> None:
    """The box comes back without its log, or goes on with another one."""
    bench.supply.set_output(3.6, 600.0)
    bench.faults.add(Fault(FaultKind.RESTART, after=8))
    with pytest.raises(BenchError, match="supply slot 1"):
        bench.supply.log(10.0)


def test_a_status_that_is_no_number_is_named(bench: NguBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """1E400 is in the grammar, and more than a number can hold."""
    monkeypatch.setattr(bench.supply._link, "query", lambda _: ";".join(["1E400"] * 8))
    with pytest.raises(InstrumentError, match="that is no number"):
        bench.supply.status()


def test_a_log_in_which_a_protection_tripped_is_an_error(bench: NguBench) -> None:
    """Nothing is drawn from an output that is off: that is no low consumption."""
    bench.supply.set_output(3.6, 600.0)
    begins_s = bench.load.now_s

    def trip() -> None:
        if bench.load.now_s >= begins_s + 3.0:
            bench.supply._link.write("VOLT 4.5")  # somebody at the front panel

    bench.clock.every(3.0, trip)
    with pytest.raises(InstrumentError, match=r"over-voltage.*tripped during the log"):
        bench.supply.log(4.0)


def test_what_an_old_log_left_does_not_come_first(bench: NguBench) -> None:
    """A log that was broken off leaves samples in the buffer."""
    bench.supply.set_output(3.6, 600.0)
    bench.supply._link.write("FLOG:TARG SCPI;:FLOG:SRAT S001k;:FLOG:STAT 1")
    bench.load.wants_ma = 5.0
    bench.clock.sleep(3.0)
    bench.load.wants_ma = 0.0164
    log = bench.supply.log(2.0)
    assert len(log.current_ma) == 2000
    assert log.mean_ma == pytest.approx(0.0164, abs=25e-6)


@pytest.mark.parametrize("seed", range(30))
def test_a_garbled_log_is_refused_or_still_plausible(bench: NguBench, seed: int) -> None:
    """Nothing protects a sample but the wire's own checksum: what we see of a block is its length and its bounds."""
    bench.faults._random.seed(seed)
    bench.faults.add(Fault(FaultKind.GARBLE, after=seed % 9))
    try:
        log = bench.supply.log(2.0)
    except BenchError:
        return
    assert len(log.current_ma) == 2000
    assert (np.abs(log.current_ma) < 660.0).all()
    assert (np.sort(np.abs(log.current_ma - 0.0164))[:-3] < 1e-3).all(), "at most three bytes were changed"


# The battery.


def test_a_battery_runs_down(bench: NguBench) -> None:
    """By what the meter draws; voltage and resistance follow the model."""
    bench.supply.set_output(3.6, 600.0)
    bench.supply.play_battery(CELL, 50.0, 500.0)
    assert bench.load.output == Output(pytest.approx(3.66, abs=2e-3), 4.0, 500.0)
    assert bench.supply.state_of_charge_percent() == pytest.approx(50.0, abs=1e-3)
    bench.load.wants_ma = 7.7
    bench.clock.sleep(3600.0)
    assert bench.supply.state_of_charge_percent() == pytest.approx(49.9, abs=1e-3)
    bench.load.wants_ma = 7700.0 * 0.449
    bench.supply._link.write("CURR 8;:BATT:MOD:CURR:LIM:REG 8")
    for _ in range(60):
        bench.clock.sleep(60.0)
    assert bench.supply.state_of_charge_percent() == pytest.approx(5.0, abs=0.05)
    assert bench.load.output.open_v == pytest.approx(3.55, abs=5e-3)
    assert bench.load.output.resistance_ohm == pytest.approx(8.0, abs=0.02)


def test_without_a_battery_there_is_no_charge(bench: NguBench) -> None:
    """Fixed voltage again: the state of charge is no number."""
    bench.supply.play_battery(CELL, 50.0, 500.0)
    bench.supply.set_output(3.6, 600.0)
    with pytest.raises(InstrumentError, match="plays no battery"):
        bench.supply.state_of_charge_percent()


@pytest.mark.parametrize(
    ("model", "percent", "why"),
    [
        (BatteryModel(7.7, (0.0, 100.0), (2.0, 4.2), (1.0, 1.0)), 50.0, "4.2 V"),
        (BatteryModel(7.7, (10.0, 100.0), (2.0, 3.6), (1.0, 1.0)), 50.0, "from 0 to 100"),
        (BatteryModel(7.7, (0.0, 100.0), (2.0, 3.6), (1.0,)), 50.0, "three figures"),
        (BatteryModel(7.7, (0.0, 100.0), (2.0, 3.6), (1.0, 200.0)), 50.0, "100 ohm"),
        (BatteryModel(0.0, (0.0, 100.0), (2.0, 3.6), (1.0, 1.0)), 50.0, "0 Ah"),
        (BatteryModel(7.7, (0.0, 100.0), (2.0, 3.6), (1.0, 1.0)), 101.0, "101 %"),
    ],
)
def test_what_is_no_battery_is_refused(bench: NguBench, model: BatteryModel, percent: float, why: str) -> None:
    """Before anything was sent."""
    first = len(bench.server.transcript)
    with pytest.raises(InstrumentError, match=why):
        bench.supply.play_battery(model, percent, 500.0)
    assert bench.asked(first) == []


# The box itself, as anybody sees it.


def test_the_box_from_its_own_side(bench: NguBench) -> None:
    """Raw questions, and its own refusals."""
    link = bench.supply._link
    assert link.query("VOLT 3600mV;:VOLT?;:OUTP?") == "+3.60000000E+00;1"
    assert link.query("FLOG:SRAT S010k;SRAT?") == "S010K"
    for text, code in [
        ("VOLT 21", "-222"),
        ("FLOG:SRAT S002k", "-224"),
        ("FLOG:TARG USB;:FLOG 1", "-221"),
        ("BATT:SIM:ENAB 1", "-221"),
        ("BATT:MOD:DATA 0,2", "-109"),
        ("BATT:MOD:DATA 100,2,1,0,3,1", "-224"),
        ("INST:NSEL 2", "-222"),
        ("MEAS:RES?", "-113"),
    ]:
        with pytest.raises(InstrumentError, match=code):
            link.write(text)
    link.write("FLOG:TARG SCPI;:FLOG:SRAT S001k;:FLOG 1")
    bench.clock.sleep(0.004)
    block = link.query_block("FLOG:DATA?")
    assert len(block) == 4 * 8
    assert struct.unpack("<f", block[:4])[0] == pytest.approx(3.6, abs=5e-3)
    assert link.query_block("FLOG:DATA?") == b""
