"""The scanner: which scans count, which are refused, and what a plain client of the simulator sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import serial

from meterbench.errors import ConnectionLost, DeadlineExceeded, ProtocolError
from meterbench.instruments.capabilities import BarcodeReader, Identity
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from meterbench.instruments.scanner.barcode_reader import BarcodeScanner, ScannerSettings, open_barcode_reader
from meterbench.instruments.scanner.barcode_reader_sim import BarcodeReaderSim
from meterbench.world.clock import VirtualClock


class Hand:
    """Scans labels at moments of the driver's clock; the wire gets 20 ms for each."""

    def __init__(self, loop_thread: LoopThread, box: BarcodeReaderSim) -> None:
        self.labels: list[tuple[float, str]] = []
        self.clock = VirtualClock(self._advance)
        self.box = box
        self._loop_thread = loop_thread

    def scan(self, text: str) -> None:
        self._loop_thread.call(lambda: self.box.scan(text))
        time.sleep(0.02)

    def _advance(self, duration_s: float) -> bool:
        while self.labels and self.labels[0][0] <= self.clock.now_s() + duration_s:
            self.scan(self.labels.pop(0)[1])
        return True


@pytest.fixture
def hand(request: pytest.FixtureRequest, loop_thread: LoopThread) -> Hand:
    options: dict[str, Any] = getattr(request, "param", {})
    return Hand(loop_thread, BarcodeReaderSim(**options, faults=FaultPlan(seed=1)))


@pytest.fixture
def address(loop_thread: LoopThread, hand: Hand) -> Iterator[str]:
    yield loop_thread.run(hand.box.start())
    loop_thread.run(hand.box.stop())


@pytest.fixture
def reader(hand: Hand, address: str) -> Iterator[BarcodeScanner]:
    settings = ScannerSettings(prefix=hand.box._prefix, suffix=hand.box._suffix)
    reader = open_barcode_reader(Place("scanner", address, hand.clock), settings)
    yield reader
    reader.close()


def test_a_scan_is_read_when_it_comes(hand: Hand, reader: BarcodeReader) -> None:
    hand.labels = [(3.0, "WM 00012345")]
    assert reader.identity == Identity("", "barcode reader", "", "")
    assert reader.read_code(10.0) == "WM 00012345"
    assert hand.clock.now_s() == pytest.approx(3.0, abs=0.11)
    assert reader.trace()[-1].received == b"WM 00012345\r"


def test_nothing_scanned_is_a_named_error_in_time(hand: Hand, reader: BarcodeReader) -> None:
    with pytest.raises(DeadlineExceeded, match="scanner: nothing was scanned within 5 s"):
        reader.read_code(5.0)
    assert hand.clock.now_s() == pytest.approx(5.0, abs=0.11)


def test_what_was_scanned_before_does_not_count(hand: Hand, reader: BarcodeReader) -> None:
    hand.scan("OLD1")
    hand.scan("OLD2")
    hand.labels = [(0.3, "OLD2"), (0.5, "NEW")]  # the first is the old look at the old label
    assert reader.read_code(10.0) == "NEW"


def test_the_same_code_counts_again_after_a_second(hand: Hand, reader: BarcodeReader) -> None:
    hand.labels = [(1.0, "A1"), (1.3, "A1"), (1.6, "B2"), (5.0, "B2")]
    assert reader.read_code(10.0) == "A1"
    assert reader.read_code(10.0) == "B2"
    assert reader.read_code(10.0) == "B2"
    assert hand.clock.now_s() == pytest.approx(5.0, abs=0.11)


@pytest.mark.parametrize("hand", [{"prefix": "L3:", "suffix": "#"}], indirect=True)
def test_prefix_and_suffix_are_taken_off_and_must_be_there(hand: Hand, reader: BarcodeReader) -> None:
    hand.labels = [(0.5, "123"), (1.0, "456")]
    assert reader.read_code(5.0) == "123"
    hand.box.server.faults.add(Fault(FaultKind.WRONG_UNIT))
    with pytest.raises(ProtocolError, match=r"scanner: the scanner sent 'M3:456#.* another scanner"):
        reader.read_code(5.0)


@pytest.mark.parametrize("text", ["", "  ", "12\x0034", "12\xe434", "12\t4"])
def test_what_no_label_has_is_refused(hand: Hand, reader: BarcodeReader, text: str) -> None:
    hand.labels = [(0.5, text), (2.0, "123")]
    with pytest.raises(ProtocolError, match="scanner: the scanner sent"):
        reader.read_code(5.0)
    assert reader.read_code(5.0) == "123"


def test_a_cut_code_is_refused_and_never_joined_to_the_next(hand: Hand, reader: BarcodeReader) -> None:
    hand.box.server.faults.add(Fault(FaultKind.CLOSE))
    hand.labels = [(0.5, "12345678"), (2.0, "ABCDEF")]
    with pytest.raises(ProtocolError, match="a line without an end"):
        reader.read_code(5.0)
    assert reader.read_code(5.0) == "ABCDEF"


@pytest.mark.parametrize("hand", [{"terminator": b"\r\n"}], indirect=True)
def test_cr_lf_must_be_set(hand: Hand, address: str) -> None:
    """Set, it is taken off; not set, the LF is named and never part of a code."""
    place = Place("scanner", address, hand.clock)
    reader = open_barcode_reader(place, ScannerSettings(ends_in="CR LF"))
    hand.labels = [(0.5, "111")]
    assert reader.read_code(5.0) == "111"
    reader.close()
    reader = open_barcode_reader(place, ScannerSettings())
    hand.labels = [(hand.clock.now_s() + 0.5, "222")]
    with pytest.raises(ProtocolError, match="a line without an end"):
        reader.read_code(5.0)
    reader.close()


def test_open_refuses_a_port_that_is_not_there(hand: Hand) -> None:
    with pytest.raises(ConnectionLost):
        open_barcode_reader(Place("scanner", "socket://127.0.0.1:1", hand.clock), ScannerSettings())


def test_a_scanner_that_comes_back_is_heard_again(loop_thread: LoopThread, hand: Hand) -> None:
    """Over TCP: the connection drops, and the next question opens it anew."""
    address = loop_thread.run(hand.box.start("tcp"))
    reader = open_barcode_reader(Place("scanner", address, hand.clock), ScannerSettings())
    hand.box.server.faults.add(Fault(FaultKind.CLOSE))
    time.sleep(0.05)
    hand.labels = [(0.5, "12345678"), (2.0, "ABCDEF")]
    with pytest.raises((ConnectionLost, ProtocolError)):
        reader.read_code(1.5)
    with pytest.raises((ConnectionLost, DeadlineExceeded)):
        reader.read_code(0.3)
    hand.labels = [(hand.clock.now_s() + 2.0, "ABCDEF")]
    assert reader.read_code(5.0) == "ABCDEF"
    reader.close()
    loop_thread.run(hand.box.stop())


@pytest.mark.parametrize("hand", [{"prefix": "P"}], indirect=True)
def test_a_plain_client_sees_prefix_code_and_cr(hand: Hand, address: str) -> None:
    """Golden: ``<prefix><serial>CR`` (instruments.md 10), and nothing in answer to anything."""
    with serial.Serial(address, timeout=0.2) as port:
        port.write(b"?\r")
        assert port.read(1) == b""
        hand.scan("12345")
        assert port.read_until(b"\r") == b"P12345\r"
        for kind in (FaultKind.REFUSE, FaultKind.SILENCE):
            hand.box.server.faults.add(Fault(kind))
            hand.scan("12345")
            assert port.read(1) == b""


def test_a_label_that_stays_before_it_is_read_again_and_again() -> None:
    """Every two seconds of the world; nothing without a label."""
    label: list[str | None] = [None]
    now_s = [0.0]
    box = BarcodeReaderSim(label=lambda: label[0], now_s=lambda: now_s[0])
    read: list[str] = []
    box.scan = read.append  # type: ignore[method-assign]
    for at_s, before in ((0.0, None), (1.0, "10000001"), (2.0, "10000001"), (3.0, "10000001"), (9.0, None)):
        now_s[0], label[0] = at_s, before
        box.sample()
    assert read == ["10000001"] * 2
