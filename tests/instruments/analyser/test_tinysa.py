"""The tinySA: exact shell exchanges, what counts as a sweep, and the shell from its own side."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest
import serial

from meterbench.errors import ConnectionLost, DeadlineExceeded, InstrumentError, ProtocolError
from meterbench.instruments.analyser.tinysa import TinySa, TinySaSettings, open_tinysa
from meterbench.instruments.analyser.tinysa_sim import TinySaSim
from meterbench.instruments.capabilities import Identity, SpectrumAnalyser
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock

BURST_HZ = 868.3e6


class Air:
    """Noise, and a burst of -40 dBm at ``BURST_HZ`` between two moments."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.burst_s = (1e9, 1e9)
        self.bandwidth_hz = 0.0
        self.offset_db = 0.0

    def level_dbm(self, frequency_hz: np.ndarray, bandwidth_hz: float) -> np.ndarray:
        self.bandwidth_hz = bandwidth_hz
        level = np.full(len(frequency_hz), -110.0) - 1e-6 * (frequency_hz - 868e6) / 1e3
        if self.burst_s[0] <= self.now_s < self.burst_s[1]:
            level[np.abs(frequency_hz - BURST_HZ).argmin()] = -40.0
        return level + self.offset_db

    def advance(self, duration_s: float) -> bool:
        self.now_s += duration_s
        return True


@pytest.fixture
def air() -> Air:
    return Air()


@pytest.fixture
def box(air: Air) -> TinySaSim:
    return TinySaSim(air.level_dbm, lambda: air.now_s, faults=FaultPlan(seed=2))


@pytest.fixture
def address(request: pytest.FixtureRequest, loop_thread: LoopThread, box: TinySaSim) -> Iterator[str]:
    yield loop_thread.run(box.start(getattr(request, "param", "pty")))
    loop_thread.run(box.stop())


@pytest.fixture
def analyser(air: Air, address: str) -> Iterator[TinySa]:
    link = SerialLink("analyser", address, deadline_s=0.2)
    analyser = TinySa("analyser", link, VirtualClock(air.advance), TinySaSettings(points=20, scan_deadline_s=0.3))
    analyser.open()
    yield analyser
    analyser.close()


@pytest.fixture
def port(address: str) -> Iterator[serial.Serial]:
    with serial.Serial(address, timeout=0.5) as port:
        yield port


def ask(port: serial.Serial, command: bytes) -> bytes:
    port.write(command)
    answer: bytes = port.read_until(b"ch> ")
    return answer


def test_open_waits_for_its_own_prompt_and_asks_twice(analyser: SpectrumAnalyser) -> None:
    """The barrier is a command that does not exist: the shell answers ``name?`` (main.c, VNAShell_executeLine)."""
    assert analyser.identity == Identity("tinySA", "tinySA4", "7", "v1.4-143-g864bb27")
    assert [each.sent for each in analyser.trace()] == [
        b"sync1\r",
        b"version\r",
        b"version\r",
        b"deviceid\r",
        b"deviceid\r",
    ]
    assert analyser.trace()[0].received == b"sync1\r\nsync1?\r\nch> "


def test_a_sweep_is_scanned_and_read_back(analyser: SpectrumAnalyser, air: Air) -> None:
    """rbw, sweep, scan with outmask 3, data 2 (cmd_scan and cmd_data of the firmware), rbw ? for the filter."""
    trace = analyser.sweep(868e6, 1.9e6, 10e3)
    assert air.bandwidth_hz == 10e3
    np.testing.assert_allclose(trace.frequency_hz, 867.05e6 + 100e3 * np.arange(20))
    np.testing.assert_allclose(trace.level_dbm, -110.0, atol=0.01)
    exchanges = analyser.trace()[-5:]
    assert [each.sent for each in exchanges] == [
        b"rbw 10\r",
        b"sweep 867050000 868950000 20\r",
        b"scan 867050000 868950000 20 3\r",
        b"data 2\r",
        b"rbw ?\r",
    ]
    assert exchanges[0].received == b"rbw 10\r\nch> "
    assert exchanges[2].received.split(b"\r\n")[1] == b"867050000 -1.099990e+02 0.000000000 "
    assert exchanges[2].received.endswith(b" \r\nch> ")
    assert exchanges[4].received == b"rbw ?\r\nusage: rbw 0.2..850|auto\r\n10.0kHz\r\nch> "


def test_the_highest_of_a_while_holds_a_burst(analyser: SpectrumAnalyser, air: Air) -> None:
    air.burst_s = (0.95, 1.15)
    held = analyser.sweep(868e6, 1.9e6, 10e3, hold_s=2.0)
    assert air.now_s == pytest.approx(2.0, abs=0.11)
    assert held.frequency_hz[held.level_dbm.argmax()] == pytest.approx(BURST_HZ, abs=50e3)
    assert held.level_dbm.max() == -40.0
    assert analyser.sweep(868e6, 1.9e6, 10e3).level_dbm.max() < -109.0


@pytest.mark.parametrize("address", ["tcp", "rfc2217"], indirect=True)
def test_long_answers_on_other_wires(air: Air, address: str) -> None:
    analyser = open_tinysa(Place("analyser", address, VirtualClock(air.advance)), TinySaSettings(points=450))
    assert len(analyser.sweep(868e6, 2e6, 100e3).level_dbm) == 450
    analyser.close()
    analyser.close()


def test_a_long_answer_fits_through_a_pseudo_terminal(air: Air, address: str) -> None:
    """450 lines are 16 kB, more than the kernel keeps."""
    analyser = open_tinysa(Place("analyser", address, VirtualClock(air.advance)), TinySaSettings(points=450))
    for _ in range(3):
        assert len(analyser.sweep(868e6, 2e6, 100e3).level_dbm) == 450
    analyser.close()


@pytest.mark.parametrize(
    ("centre_hz", "bandwidth_hz", "words"),
    [
        (868e6, 2e6, "asked 'rbw 2000', it answers 'usage: rbw"),
        (868e6, 60.0, "asked 'rbw 0.06', it answers 'usage: rbw"),
        (6e9, 10e3, "frequency range is invalid"),
    ],
)
def test_what_it_cannot_do_is_an_instrument_error(
    analyser: TinySa, centre_hz: float, bandwidth_hz: float, words: str
) -> None:
    with pytest.raises(InstrumentError, match=words):
        analyser.sweep(centre_hz, 1e6, bandwidth_hz)
    assert len(analyser.sweep(868e6, 1e6, 10e3).level_dbm) == 20


def test_the_filter_may_be_off_by_a_factor_of_two_and_no_more(analyser: TinySa, air: Air, box: TinySaSim) -> None:
    assert len(analyser.sweep(868e6, 1e6, 160e3).level_dbm) == 20
    assert air.bandwidth_hz == 300e3
    with pytest.raises(InstrumentError, match="asked for a bandwidth of 35000 Hz, it takes 100000 Hz"):
        analyser.sweep(868e6, 1e6, 35e3)


def test_an_overloaded_input_is_named(analyser: TinySa, air: Air) -> None:
    air.offset_db = 125.0
    with pytest.raises(InstrumentError, match="put an attenuator before its input"):
        analyser.sweep(868e6, 1e6, 10e3)


@pytest.mark.parametrize("after", [3, 4])
def test_garbled_behind_the_scan_is_found_or_harmless(analyser: TinySa, air: Air, box: TinySaSim, after: int) -> None:
    """The last two answers of a sweep (the fault matrix has the others): the right levels, or a named error."""
    for seed in range(12):
        air.offset_db = float(seed)
        box.faults.add(Fault(FaultKind.GARBLE, after=after))
        with contextlib.suppress(ProtocolError, DeadlineExceeded, InstrumentError):
            trace = analyser.sweep(868e6, 1.9e6, 10e3)
            assert np.abs(trace.level_dbm - (-110.0 + seed)).max() < 0.02
        box.faults.clear()


def test_a_restart_between_the_steps_is_not_swept_over(analyser: TinySa, box: TinySaSim) -> None:
    """Its settings are gone: the greeting stands before the echo."""
    for after in range(1, 5):
        box.faults.add(Fault(FaultKind.RESTART, after=after))
        with pytest.raises(ProtocolError, match="did it restart"):
            analyser.sweep(868e6, 1.9e6, 10e3)
        assert len(analyser.sweep(868e6, 1.9e6, 10e3).level_dbm) == 20


def test_nobody_there_and_somebody_else_there(loop_thread: LoopThread, air: Air, pty_peer) -> None:
    clock = VirtualClock(air.advance)
    with pytest.raises(ConnectionLost):
        open_tinysa(Place("analyser", "socket://127.0.0.1:1", clock), TinySaSettings())
    with pytest.raises(DeadlineExceeded, match="no answer to the barrier"):
        open_tinysa(Place("analyser", pty_peer.path, clock), TinySaSettings())


def test_the_shell_as_any_terminal_sees_it(port: serial.Serial, box: TinySaSim) -> None:
    """Echo, answer, prompt; forms of the firmware's cmd_* functions."""
    for command, answer in [
        (b"\r", b"\r\nch> "),
        (b"version\r\n", b"version\r\ntinySA4_v1.4-143-g864bb27\r\nHW Version:V0.4.5.1.1\r\nch> "),
        (b"deviceid\r", b"deviceid\r\ndeviceid 7\r\nch> "),
        (b"foo 1\r", b"foo 1\r\nfoo?\r\nch> "),
        (b"sweep 100 1000 5\r", b"sweep 100 1000 5\r\nch> "),
        (b"sweep\r", b"sweep\r\n100 1000 20\r\nch> "),
        (b"rbw 900\r", b"rbw 900\r\nusage: rbw 0.2..850|auto\r\n850.0kHz\r\nch> "),
        (b"rbw auto\r", b"rbw auto\r\nch> "),
        (b"scan 5 4\r", b"scan 5 4\r\nfrequency range is invalid\r\nch> "),
        (b"scan 4 5 451\r", b"scan 4 5 451\r\nsweep points exceeds range\r\nch> "),
        (b"scan\r", b"scan\r\nusage: scan {start(Hz)} {stop(Hz)} [points] [outmask]\r\nch> "),
        (b"scan 1000 1001 3 1\r", b"scan 1000 1001 3 1\r\n1000 \r\n1001 \r\n1001 \r\nch> "),
        (b"scan 1000 2000 2\r", b"scan 1000 2000 2\r\nch> "),
        (b"data 3\r", b"data 3\r\nusage: data [0-2]\r\nch> "),
    ]:
        assert ask(port, command) == answer
    assert ask(port, b"frequencies\r").split(b"\r\n")[1:4] == [b"100", b"147", b"195"]
    assert ask(port, b"info\r").startswith(b"info\r\ntinySA ULTRA")
    box.faults.add(Fault(FaultKind.REFUSE))
    assert ask(port, b"scan 1 2\r") == b"scan 1 2\r\nscan?\r\nch> "
    box.faults.add(Fault(FaultKind.RESTART))
    assert ask(port, b"sweep\r") == b"\r\ntinySA Shell\r\nch> "


def test_levels_that_its_memory_does_not_have_are_refused(
    analyser: TinySa, box: TinySaSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One digit changed on the way would be 1 dB or 10."""
    scan = box._scan
    monkeypatch.setattr(box, "_scan", lambda *asked: [line.replace("-1.1", "-1.0") for line in scan(*asked)])
    with pytest.raises(ProtocolError, match="not the levels that it told during the scan"):
        analyser.sweep(868e6, 1.9e6, 10e3)


def test_other_frequencies_than_asked_are_refused(
    analyser: TinySa, box: TinySaSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level belongs to its frequency."""
    there_hz = box._frequencies_hz
    monkeypatch.setattr(box, "_frequencies_hz", lambda *asked: [hz + 1000 for hz in there_hz(*asked)])
    with pytest.raises(ProtocolError, match="not the frequencies that were asked"):
        analyser.sweep(868e6, 1.9e6, 10e3)
