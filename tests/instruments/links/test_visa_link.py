"""SCPI over a socket: wire, error queue, faults and recovery, against the simulated instruments' server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from meterbench.errors import (
    BenchError,
    ConfigError,
    ConnectionLost,
    DeadlineExceeded,
    InstrumentError,
    ProtocolError,
)
from meterbench.instruments.capabilities import Identity
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.scpi.core import ScpiInstrument
from meterbench.instruments.scpi.hislip_server import HislipServer, Kind, Message
from meterbench.instruments.scpi.parameters import INFINITY, Number, block, nr3
from meterbench.instruments.scpi.server import ScpiServer

if TYPE_CHECKING:
    from tests.instruments.conftest import ServeScpi

DEADLINE_S = 0.3
IDN = "Acme,PS1,42,1.0"


def supply(idn: str = IDN) -> ScpiInstrument:
    """A supply with a voltage, a reading that is never there, and one that is infinite."""
    instrument = ScpiInstrument(idn, on_reset=lambda: None)
    instrument.setting("VOLTage", Number(0.0, 1e6, "V"), 5.0)
    instrument.command("NAN?", lambda _: nr3(9.91e37))
    instrument.command("INF?", lambda _: f"1,{nr3(INFINITY)}")
    return instrument


class Bench:
    """A link, its instrument's server, and the faults to come."""

    def __init__(self, serve_scpi: ServeScpi) -> None:
        self.faults = FaultPlan()
        self.instrument = supply()
        self.server: ScpiServer = serve_scpi(self.instrument, self.faults)
        self.link = VisaLink("supply", self.server.address, deadline_s=DEADLINE_S)
        self.link.open("PS1")

    def sent(self) -> list[bytes]:
        return [entry.line for entry in self.server.transcript if entry.direction == ">"]


@pytest.fixture
def bench(serve_scpi: ServeScpi) -> Iterator[Bench]:
    bench = Bench(serve_scpi)
    yield bench
    bench.link.close()


def test_command_and_error_query_are_one_round_trip(bench: Bench) -> None:
    """The golden exchange: open, a command, a query."""
    bench.link.write("VOLT 3")
    assert bench.link.query("VOLT?") == "+3.00000000E+00"
    assert [(entry.direction, entry.line) for entry in bench.server.transcript] == [
        (">", b"*IDN?\n"),
        ("<", b"Acme,PS1,42,1.0\n"),
        (">", b"*IDN?\n"),
        ("<", b"Acme,PS1,42,1.0\n"),
        (">", b"SYST:ERR?\n"),
        ("<", b'0,"No error"\n'),
        (">", b"VOLT 3;:SYST:ERR?\n"),
        ("<", b'0,"No error"\n'),
        (">", b"VOLT?;:SYST:ERR?\n"),
        ("<", b'+3.00000000E+00;0,"No error"\n'),
    ]
    assert bench.link.trace()[-1].received == b'+3.00000000E+00;0,"No error"\n'


def test_identity(bench: Bench) -> None:
    """Four fields, as the instrument says them."""
    assert bench.link.identity == Identity("Acme", "PS1", "42", "1.0")


def test_another_model_is_a_config_error(bench: Bench) -> None:
    """The message has what answered and what was expected."""
    with pytest.raises(ConfigError, match=r"this is no 53220A or 53230A; .*Acme,PS1"):
        VisaLink("counter", bench.server.address).open("53220A", "53230A")


def test_all_entries_of_the_error_queue_are_raised(bench: Bench) -> None:
    """None is left over for the next command."""
    with pytest.raises(InstrumentError, match=r'supply at TCPIP.*-222,"Data out of range;2e6" \| -222,.*3e6'):
        bench.link.write("VOLT 2e6;VOLT 3e6")
    assert bench.link.query("VOLT?") == "+5.00000000E+00"


def test_endless_error_queue_is_bounded(bench: Bench) -> None:
    """A box that always has one more error cannot hold the bench."""
    bench.instrument.status.pop_error = lambda: '-310,"System error"'  # type: ignore[method-assign]
    with pytest.raises(InstrumentError) as raised:
        bench.link.write("VOLT 1")
    assert str(raised.value).count(" | ") == 31


def test_command_error_is_told_though_the_box_gave_no_answer(bench: Bench) -> None:
    """The box drops the rest of the message, ``SYST:ERR?`` too: it is asked again on a new connection."""
    with pytest.raises(InstrumentError, match="-113") as raised:
        bench.link.query("BOGUS?")
    assert isinstance(raised.value.__cause__, DeadlineExceeded)
    assert bench.link.query("VOLT?") == "+5.00000000E+00"


def test_errors_of_an_earlier_user_are_not_ours(bench: Bench) -> None:
    """What was in the queue before opening is cleared."""
    asyncio.run(bench.instrument.execute("BOGUS"))
    bench.link.open("PS1")
    bench.link.write("VOLT 1")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.SILENCE), DeadlineExceeded),
        (Fault(FaultKind.LATE, delay_s=DEADLINE_S + 0.05), DeadlineExceeded),
        (Fault(FaultKind.REFUSE), InstrumentError),
        (Fault(FaultKind.CLOSE), ConnectionLost),
        (Fault(FaultKind.DIE), ConnectionLost),
        (Fault(FaultKind.SILENCE, count=-1), ConnectionLost),
    ],
    ids=lambda parameter: getattr(parameter, "kind", None),
)
def test_each_fault_ends_in_its_error_in_time(bench: Bench, fault: Fault, error: type[BenchError]) -> None:
    """And the message says who, what was asked and what to do."""
    bench.faults.add(fault)
    started_s = time.monotonic()
    with pytest.raises(error, match="supply at TCPIP"):
        bench.link.query("VOLT?")
    assert time.monotonic() - started_s < 2 * DEADLINE_S + 0.3


@pytest.mark.parametrize("kind", [FaultKind.SILENCE, FaultKind.LATE, FaultKind.REFUSE, FaultKind.CLOSE])
def test_next_question_gets_its_own_answer(bench: Bench, kind: FaultKind) -> None:
    """After any fault that passes, also when the late answer arrives in between or while the next one is open."""
    for delay_s in (DEADLINE_S + 0.03, DEADLINE_S + 0.1):
        bench.faults.add(Fault(kind, delay_s=delay_s))
        with pytest.raises(BenchError):
            bench.link.query("VOLT?")
        for _ in range(5):
            time.sleep(0.02)
            assert bench.link.query("*ESE?") == "0"


def test_late_answer_arrives_while_the_next_question_is_open(bench: Bench) -> None:
    """The next answer is slow too; the old one comes first, on a connection that nobody listens to any more."""
    bench.faults.add(Fault(FaultKind.LATE, delay_s=DEADLINE_S + 0.05))
    with pytest.raises(DeadlineExceeded):
        bench.link.query("VOLT?")
    bench.faults.add(Fault(FaultKind.LATE, delay_s=0.12))
    assert bench.link.query("*ESE?") == "0"


@pytest.mark.parametrize("seed", range(20))
def test_garbled_numbers_are_never_taken(serve_scpi: ServeScpi, seed: int) -> None:
    """One to three bytes changed anywhere: a named error, or the right number if only the error's text was hit."""
    faults = FaultPlan(seed=seed)
    link = VisaLink("supply", serve_scpi(supply(), faults).address, deadline_s=DEADLINE_S)
    link.open("PS1")
    faults.add(Fault(FaultKind.GARBLE))
    try:
        assert link.query_numbers("VOLT?", "infinite") == (5.0,)
    except (ProtocolError, InstrumentError):
        assert link.query_numbers("VOLT?", "infinite") == (5.0,)
    link.close()


def test_garbled_answer_is_a_protocol_error(bench: Bench) -> None:
    """An answer without an entry of the error queue behind it; the next question goes out on a new connection."""
    bench.instrument.status.pop_error = lambda: "0,No error"  # type: ignore[method-assign]
    with pytest.raises(ProtocolError, match=r"garbled answer; asked .*0,No error"):
        bench.link.query("VOLT?")
    del bench.instrument.status.pop_error
    assert bench.link.query("VOLT?") == "+5.00000000E+00"
    assert bench.sent()[-3:] == [b"*IDN?\n", b"SYST:ERR?\n", b"VOLT?;:SYST:ERR?\n"]


def test_infinity_and_not_a_number_are_instrument_errors(bench: Bench) -> None:
    """SCPI's numbers for no number never come out as numbers."""
    with pytest.raises(InstrumentError, match="no result"):
        bench.link.query_numbers("NAN?", "infinite")
    with pytest.raises(InstrumentError, match="the probe is open"):
        bench.link.query_numbers("INF?", "the probe is open")


def test_another_instrument_at_the_address_is_not_used(bench: Bench) -> None:
    """After a time-out the identity must be the same, serial number and all."""
    bench.server._instrument = supply("Acme,PS1,43,1.0")
    bench.faults.add(Fault(FaultKind.SILENCE))
    for _ in range(2):
        with pytest.raises(ProtocolError, match=r"it was 'Acme,PS1,42,1\.0' before"):
            bench.link.query("VOLT?")


def test_nobody_there_is_connection_lost(bench: Bench, loop_thread: LoopThread) -> None:
    """A closed port fails when it is opened, not at the first measurement."""
    loop_thread.run(bench.server.stop())
    started_s = time.monotonic()
    with pytest.raises(ConnectionLost, match="nobody there"):
        VisaLink("supply", bench.server.address, deadline_s=DEADLINE_S).open("PS1")
    assert time.monotonic() - started_s < DEADLINE_S + 0.2


def test_closed_link_is_connection_lost(bench: Bench) -> None:
    """It does not open itself; closing twice is safe."""
    bench.link.close()
    bench.link.close()
    with pytest.raises(ConnectionLost, match="open the link first"):
        bench.link.write("VOLT 1")


def test_threads_never_mix_replies(bench: Bench) -> None:
    """Four threads on one link: each gets the answers to its own questions."""
    questions: list[tuple[str, str]] = [
        ("VOLT?", "+5.00000000E+00"),
        ("*ESE?", "0"),
        ("*TST?;*ESE?", "0;0"),
        ("*OPC?", "1"),
    ]
    wrong: list[str] = []

    def ask(question: str, answer: str) -> None:
        for _ in range(100):
            if (got := bench.link.query(question, 5.0)) != answer:
                wrong.append(got)

    threads = [threading.Thread(target=ask, args=pair) for pair in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_pyvisa_is_not_imported_before_it_is_needed() -> None:
    """The command line must start in 0.3 s."""
    program = (
        "import sys, meterbench.instruments.links.visa_link, meterbench.instruments.links.modbus_link;"
        "print(sorted({'pyvisa', 'pymodbus'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def logger(payload: bytes) -> ScpiInstrument:
    """A supply that gives ``payload`` as a block."""
    instrument = supply()
    instrument.command("LOG?", lambda _: block(payload))
    return instrument


ANY_BYTES = b'0;0,"No error"\n\r;#13' + bytes(range(256)) * 90
"""Line feeds, ends of messages and heads of blocks in the middle; longer than one chunk of pyvisa."""


@pytest.mark.parametrize("wire", ["tcp", "hislip"])
@pytest.mark.parametrize("payload", [ANY_BYTES, b"\n", b""], ids=["any", "line feed", "empty"])
def test_block_comes_out_whole(serve_scpi: ServeScpi, wire: str, payload: bytes) -> None:
    """Whatever is in it; the error queue is read behind it in the same message, and the next question is in step."""
    server = serve_scpi(logger(payload), FaultPlan(), wire)
    link = VisaLink("supply", server.address, deadline_s=DEADLINE_S)
    link.open("PS1")
    for _ in range(3):
        assert link.query_block("LOG?") == payload
        assert link.query("VOLT?") == "+5.00000000E+00"
    link.close()


def test_block_on_the_wire(serve_scpi: ServeScpi) -> None:
    """The golden exchange: two samples of a supply's fast log (instruments.md 11.10)."""
    samples = bytes.fromhex("66 66 66 40 04 A1 C4 37 66 66 66 40 91 75 5D 37")
    server = serve_scpi(logger(samples), FaultPlan())
    link = VisaLink("supply", server.address, deadline_s=DEADLINE_S)
    link.open("PS1")
    assert link.query_block("LOG?") == samples
    asked, answered = (entry.line for entry in server.transcript[-2:])
    assert asked == b"LOG?;:SYST:ERR?\n"
    assert answered == b"#216" + samples + b';0,"No error"\n'
    link.close()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("3.6", ProtocolError),
        ("#0abc", ProtocolError),
        ("#13abcd", ProtocolError),
        ("#13abc;5", ProtocolError),
        ("#1xabc", ProtocolError),
        ("#13a\nc;7", ProtocolError),
        ("#15ab\n", ProtocolError),
        ("#219ab\n", DeadlineExceeded),
    ],
)
@pytest.mark.parametrize("wire", ["tcp", "hislip"])
def test_what_is_no_block_is_refused(serve_scpi: ServeScpi, wire: str, text: str, error: type[BenchError]) -> None:
    """Too long, too short, of indefinite length, or two answers; an end that HiSLIP tells is waited for on a socket."""
    instrument = supply()
    instrument.command("LOG?", lambda _: text)
    link = VisaLink("supply", serve_scpi(instrument, FaultPlan(), wire).address, deadline_s=DEADLINE_S)
    link.open("PS1")
    with pytest.raises(ProtocolError if wire == "hislip" else error):
        link.query_block("LOG?")
    assert link.query("VOLT?") == "+5.00000000E+00"
    link.close()


@pytest.mark.parametrize("wire", ["tcp", "hislip"])
@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in (FaultKind.GARBLE, FaultKind.DIE)])
def test_each_fault_of_a_block_is_named(serve_scpi: ServeScpi, wire: str, kind: FaultKind) -> None:
    """Or the block is right; and the next one is, in any case."""
    faults = FaultPlan()
    link = VisaLink("supply", serve_scpi(logger(ANY_BYTES), faults, wire).address, deadline_s=DEADLINE_S)
    link.open("PS1")
    faults.add(Fault(kind, delay_s=DEADLINE_S + 0.05))
    harmless = (FaultKind.WRONG_UNIT, FaultKind.SATURATE, FaultKind.DRIFT)
    if kind in harmless:
        assert link.query_block("LOG?") == ANY_BYTES
    else:
        with pytest.raises(BenchError, match="supply at TCPIP"):
            link.query_block("LOG?")
    assert link.query_block("LOG?") == ANY_BYTES
    link.close()


@pytest.mark.parametrize("seed", range(15))
def test_a_garbled_block_keeps_its_length(serve_scpi: ServeScpi, seed: int) -> None:
    """Head and end are guarded, the bytes between are not: nothing in the protocol protects those."""
    faults = FaultPlan(seed=seed)
    link = VisaLink("supply", serve_scpi(logger(b"ab\ncd"), faults).address, deadline_s=DEADLINE_S)
    link.open("PS1")
    faults.add(Fault(FaultKind.GARBLE))
    try:
        assert len(link.query_block("LOG?")) == 5
    except BenchError:
        assert link.query_block("LOG?") == b"ab\ncd"
    link.close()


@pytest.mark.parametrize("wire", ["tcp", "hislip"])
def test_an_error_of_the_instruments_own_is_seen_with_the_answer(serve_scpi: ServeScpi, wire: str) -> None:
    """The answer is right, and yet it does not count."""
    faults = FaultPlan()
    link = VisaLink("supply", serve_scpi(supply(), faults, wire).address, deadline_s=DEADLINE_S)
    link.open("PS1")
    faults.add(Fault(FaultKind.QUEUE))
    with pytest.raises(InstrumentError, match='-310,"System error"'):
        link.query("VOLT?")
    assert link.query("VOLT?") == "+5.00000000E+00"
    link.close()


def test_late_answer_over_hislip_never_answers_the_next_question(serve_scpi: ServeScpi) -> None:
    """Nor do time-outs cost anything but the answer."""
    faults = FaultPlan()
    link = VisaLink("supply", serve_scpi(supply(), faults, "hislip").address, deadline_s=DEADLINE_S)
    link.open("PS1")
    faults.add(Fault(FaultKind.LATE, delay_s=DEADLINE_S + 0.05))
    with pytest.raises(DeadlineExceeded):
        link.query("VOLT?")
    for _ in range(5):
        time.sleep(0.02)
        assert link.query("*ESE?") == "0"
    link.close()


def test_nobody_at_a_hislip_address(serve_scpi: ServeScpi) -> None:
    """Told within the deadline, no socket left open; and so when it goes away later."""
    faults = FaultPlan()
    server = serve_scpi(supply(), faults, "hislip")
    link = VisaLink("supply", server.address, deadline_s=DEADLINE_S)
    link.open("PS1")
    faults.add(Fault(FaultKind.DIE))
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            link.query("VOLT?")
    started_s = time.monotonic()
    with pytest.raises(ConnectionLost, match="cannot connect"):
        VisaLink("supply", server.address, deadline_s=DEADLINE_S).open("PS1")
    assert time.monotonic() - started_s < DEADLINE_S + 0.2
    link.close()


def test_repeated_headers_are_taken_off(serve_scpi: ServeScpi) -> None:
    """Of every answer in the line, of the identity and of the error queue, where the link is told to."""
    instrument = supply(f"*IDN {IDN}")
    instrument.command("NAME?", lambda _: ':SYST:NAME "a :B c";:VOLT 7')
    instrument.command("SYSTem:ERRor[:NEXT]?", lambda _: f":SYST:ERR {instrument.status.pop_error()}")
    link = VisaLink("supply", serve_scpi(instrument, FaultPlan()).address, deadline_s=DEADLINE_S, headers=True)
    link.open("PS1")
    assert link.identity.manufacturer == "Acme"
    assert link.query("NAME?") == '"a :B c";7'
    with pytest.raises(InstrumentError, match="-222"):
        link.write("VOLT 2e6")
    link.close()


def test_measured_values_need_only_agree(bench: Bench) -> None:
    """Two measurements in one message; too far apart, or not two numbers, there is none."""
    readings = iter(["1.000", "1.004", "1.000", "1.006", "1.0", "1.0,2.0", "1.0", "one"])
    bench.instrument.command("MEAS?", lambda _: next(readings))
    assert bench.link.query_measured("MEAS?", "overload", 0.005) == pytest.approx(1.002)
    with pytest.raises(ProtocolError, match=r"not the same twice, within 0\.005"):
        bench.link.query_measured("MEAS?", "overload", 0.005)
    with pytest.raises(ProtocolError, match="not the same twice"):
        bench.link.query_measured("MEAS?", "overload", 0.005)
    with pytest.raises(ProtocolError, match="no number"):
        bench.link.query_measured("MEAS?", "overload", 0.005)
    bench.instrument.command("MEAS?", lambda _: nr3(INFINITY))
    with pytest.raises(InstrumentError, match="overload"):
        bench.link.query_measured("MEAS?", "overload", 0.005)


@contextlib.contextmanager
def hostile(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a raw socket that identifies itself, then lets ``answer`` speak until the client hangs up."""

    def serve(client: socket.socket) -> None:
        replies = {b"*IDN?": IDN.encode() + b"\n", b"SYST:ERR?": b'0,"No error"\n'}
        with contextlib.suppress(OSError), client, client.makefile("rb") as lines:
            for line in lines:
                if line.strip() in replies:
                    client.sendall(replies[line.strip()])
                else:
                    answer(client)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()


def drip(client: socket.socket) -> None:
    while True:
        client.sendall(b"1")
        time.sleep(0.02)


def flood(client: socket.socket) -> None:
    while True:
        client.sendall(b"1" * 65536)


@pytest.mark.parametrize("answer", [drip, flood])
def test_an_answer_without_an_end_is_given_up_in_time(answer: Callable[[socket.socket], None]) -> None:
    """Byte by byte, or faster than it can be read: a deadline is one, whatever comes."""
    with hostile(answer) as address:
        link = VisaLink("supply", address, deadline_s=DEADLINE_S)
        link.open("PS1")
        started_s = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="no answer within"):
            link.query("VOLT?")
        assert time.monotonic() - started_s < 2 * DEADLINE_S
        link.close()


def test_an_error_number_that_is_none_is_a_protocol_error() -> None:
    """Five thousand digits are beyond what Python makes a number of."""
    with hostile(lambda client: client.sendall(b"1;" + b"9" * 5000 + b',"x"\n')) as address:
        link = VisaLink("supply", address, deadline_s=DEADLINE_S)
        link.open("PS1")
        with pytest.raises(ProtocolError, match="garbled answer"):
            link.query("VOLT?")
        link.close()


def test_a_hislip_message_of_another_number_that_is_cut_holds_nobody(
    serve_scpi: ServeScpi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale answer, which is passed over, and then the box is switched off: told at once."""
    server = serve_scpi(supply(), FaultPlan(), "hislip")
    link = VisaLink("supply", server.address, deadline_s=DEADLINE_S)
    link.open("PS1")

    async def cut(session: Any, line: bytes, number: int) -> None:
        if b"VOLT" in line:
            stale = Message(Kind.DATA_END, 0, number - 2, b"5.0" * 100)
            session.synchronous.write(stale.encoded()[:40])
            session.close()

    monkeypatch.setattr(HislipServer, "_carry_out", lambda _, session, line, number: cut(session, line, number))
    started_s = time.monotonic()
    with pytest.raises(ConnectionLost):
        link.query("VOLT?")
    assert time.monotonic() - started_s < 3 * DEADLINE_S
    link.close()
