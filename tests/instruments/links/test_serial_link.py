"""Lines over a serial port: wire, faults and recovery."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from meterbench.errors import ConnectionLost, DeadlineExceeded, ProtocolError
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import REOPEN_AFTER_S, SerialLink

if TYPE_CHECKING:
    from tests.instruments.conftest import PtyPeer

DEADLINE_S = 0.3


def is_barrier_reply(line: str) -> bool:
    return line.startswith("I4 A")


@pytest.fixture
def link(pty_peer: PtyPeer) -> Iterator[SerialLink]:
    link = SerialLink("balance", pty_peer.path, deadline_s=DEADLINE_S)
    link.open()
    yield link
    link.close()


def echo(peer: PtyPeer) -> None:
    """Answers ``@`` with the barrier's reply and all else with itself."""
    peer.on_line = lambda line: peer.write(b'I4 A "B1"\r\n' if line == b"@" else b"re " + line + b"\r\n")


def test_exchange_sends_exactly_the_line(pty_peer: PtyPeer, link: SerialLink) -> None:
    """Command and terminator go out, the line without terminator comes back, and the trace has the bytes."""
    pty_peer.on_line = lambda line: pty_peer.write(b"S D      12.34 g\r\n") if line == b"SI" else None
    assert link.exchange("SI") == "S D      12.34 g"
    (exchange,) = link.trace()
    assert (exchange.sent, exchange.received, exchange.fault) == (b"SI\r\n", b"S D      12.34 g\r\n", "")


def test_answer_of_several_lines(pty_peer: PtyPeer, link: SerialLink) -> None:
    """Lines that came in one piece are given one by one, and a line in pieces is put together."""

    def answer(line: bytes) -> None:
        pty_peer.write(b"I0 B 0\r\nI0 B 1\r\nI0")
        pty_peer.write_later(0.05, b" A 2\r\n")

    pty_peer.on_line = answer
    assert [link.exchange("I0"), link.read_line(), link.read_line()] == ["I0 B 0", "I0 B 1", "I0 A 2"]


def test_every_byte_is_one_character(pty_peer: PtyPeer, link: SerialLink) -> None:
    """Separators beyond ASCII survive both ways."""
    pty_peer.on_line = lambda line: pty_peer.write(line + b"\r\n")
    assert link.exchange("11004\xb61") == "11004\xb61"


def test_unasked_lines_never_answer_a_question(pty_peer: PtyPeer, link: SerialLink) -> None:
    """What the print key sent before the question is thrown away and kept in the trace."""
    echo(pty_peer)
    pty_peer.write(b"S S 99.99 g\r\n")
    time.sleep(0.02)
    assert link.exchange("SI") == "re SI"
    assert link.trace()[0].received == b"S S 99.99 g\r\n"
    assert link.trace()[0].fault == "unasked, thrown away"


def test_silence_is_deadline_exceeded_and_leaves_the_link_stale(pty_peer: PtyPeer, link: SerialLink) -> None:
    """No answer: a named error in bounded time; after it every question is refused."""
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"balance at .*no complete line within 0\.3 s; asked 'SI"):
        link.exchange("SI")
    assert time.monotonic() - started_s < DEADLINE_S + 0.1
    assert link.stale
    for ask in (lambda: link.exchange("SI"), link.read_line):
        with pytest.raises(ProtocolError, match="resynchronise"):
            ask()


def test_line_without_terminator_is_not_an_answer(pty_peer: PtyPeer, link: SerialLink) -> None:
    """Short data is never taken for a reading; the message shows it."""
    pty_peer.on_line = lambda line: pty_peer.write(b"S S   1.0")
    with pytest.raises(DeadlineExceeded, match=r"got 'S S   1\.0' \(53 20"):
        link.exchange("SI")


@pytest.mark.parametrize("late_s", [DEADLINE_S + 0.03, DEADLINE_S + 0.07, DEADLINE_S + 0.12])
def test_late_reply_never_answers_the_next_question(pty_peer: PtyPeer, link: SerialLink, late_s: float) -> None:
    """The late reply comes before, while, or after the link drains; what is asked next gets its own answer."""

    due_s = 0.0

    def answer(line: bytes) -> None:
        """Answers in order, as a device does: the barrier behind the late reply."""
        nonlocal due_s
        now_s = pty_peer.loop_thread.loop.time()
        due_s = max(due_s + 0.001, now_s + (late_s if line == b"SI" else 0.02))
        reply = {b"SI": b"S S 66.66 g\r\n", b"@": b'I4 A "B1"\r\n'}.get(line, b"re " + line + b"\r\n")
        pty_peer.write_later(due_s - now_s, reply)

    pty_peer.on_line = answer
    with pytest.raises(DeadlineExceeded):
        link.exchange("SI")
    assert link.resynchronise("@", is_barrier_reply, 1.0) == 'I4 A "B1"'
    assert not link.stale
    assert link.exchange("I2") == "re I2"


def test_resynchronising_gives_up_in_time(pty_peer: PtyPeer, link: SerialLink) -> None:
    """Whether the device is silent or babbles without end: ``DeadlineExceeded``, and the link stays stale."""
    with pytest.raises(DeadlineExceeded):
        link.resynchronise("@", is_barrier_reply, 0.1)

    def babble() -> None:
        pty_peer.write(b"S D 1 g\r\n")
        timer[0] = pty_peer.loop_thread.loop.call_later(0.01, babble)

    timer = [pty_peer.loop_thread.loop.call_soon_threadsafe(babble)]
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        link.resynchronise("@", is_barrier_reply, 0.1)
    pty_peer.loop_thread.call(lambda: timer[0].cancel())
    assert time.monotonic() - started_s < 1.0
    assert link.stale


def test_fail_protocol_names_the_reply_and_makes_the_link_stale(link: SerialLink) -> None:
    """A driver that does not understand a reply says so in the common form."""
    with pytest.raises(ProtocolError, match=r"no weight; asked 'SI' \(53 49\), got 'S X' \(53 20 58\)"):
        link.fail_protocol("SI", "S X", "no weight")
    assert link.stale


def test_port_that_goes_away_is_connection_lost(pty_peer: PtyPeer, link: SerialLink) -> None:
    """Cable out: ``ConnectionLost`` now and on every further attempt; closing stays safe."""
    pty_peer.hang_up()
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            link.resynchronise("@", is_barrier_reply, 0.1)
    link.close()
    link.close()


def test_port_that_is_not_there_is_connection_lost() -> None:
    """A path, and a TCP port, that nobody serves."""
    for address in ("/dev/not-a-port", "socket://127.0.0.1:9"):
        with pytest.raises(ConnectionLost, match="cannot open the port"):
            SerialLink("balance", address).open()


def test_closed_link_is_connection_lost() -> None:
    """A link that was never opened, and one that was closed, says so."""
    with pytest.raises(ConnectionLost, match="open the link first"):
        SerialLink("balance", "/dev/not-a-port").exchange("SI")


def test_tcp_peer_that_closes_is_lost_and_found_again(loop_thread: LoopThread) -> None:
    """Over a raw socket: the connection drops inside an answer; resynchronising connects anew."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while line := await reader.readline():
                if line == b"SI\r\n" and connections == 1:
                    writer.write(b"S S 1")
                    await writer.drain()
                    break
                writer.write(b'I4 A "B1"\r\n' if line == b"@\r\n" else b"S S 2.0 g\r\n")
        finally:
            writer.close()

    server = loop_thread.run(asyncio.start_server(serve, "127.0.0.1", 0))
    link = SerialLink("balance", f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    link.open()
    with pytest.raises(ConnectionLost, match="connection lost"):
        link.exchange("SI")
    assert link.resynchronise("@", is_barrier_reply, 1.0) == 'I4 A "B1"'
    assert link.exchange("SI") == "S S 2.0 g"
    link.close()
    loop_thread.call(server.close)


@contextmanager
def tcp_balance(loop_thread: LoopThread, reply: bytes) -> Iterator[SerialLink]:
    """An open link to a socket that answers every line with ``reply``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            writer.write(reply)
        writer.close()

    server = loop_thread.run(asyncio.start_server(serve, "127.0.0.1", 0))
    link = SerialLink("balance", f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}", deadline_s=DEADLINE_S)
    link.open()
    try:
        yield link
    finally:
        link.close()
        loop_thread.call(server.close)


def test_socket_gives_what_came_in_one_piece_line_by_line(loop_thread: LoopThread) -> None:
    """A socket is read in pieces as they come: lines behind the answer are read in turn, or thrown away as unasked."""
    with tcp_balance(loop_thread, b"I0 B 0\r\nI0 B 1\r\nI0 A 2\r\n") as link:
        assert [link.exchange("I0"), link.read_line()] == ["I0 B 0", "I0 B 1"]
        assert link.exchange("I0") == "I0 B 0"
        assert [(each.received, each.fault) for each in link.trace()[2:3]] == [(b"I0 A 2\r\n", "unasked, thrown away")]


def test_socket_waits_before_it_is_opened_anew_and_not_when_closed(
    loop_thread: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device server with room for one client gets time to notice that it has gone; who only leaves does not wait."""
    slept_s: list[float] = []
    monkeypatch.setattr(time, "sleep", slept_s.append)
    with tcp_balance(loop_thread, b"re\r\n") as link:
        link.close()
        assert slept_s == []
        link.open()
        assert slept_s == [pytest.approx(REOPEN_AFTER_S, abs=0.1)]
        assert link.exchange("SI") == "re"


def test_threads_never_mix_replies(pty_peer: PtyPeer, link: SerialLink) -> None:
    """Four threads on one link: each gets the answers to its own questions."""
    echo(pty_peer)
    wrong: list[str] = []

    def ask(name: int) -> None:
        for number in range(50):
            if (reply := link.exchange(f"{name} {number}", deadline_s=5.0)) != f"re {name} {number}":
                wrong.append(reply)

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def three_bytes(received: bytes) -> int:
    return 3 if len(received) >= 3 else 0


def test_a_binary_exchange_ends_where_its_message_ends(pty_peer: PtyPeer, link: SerialLink) -> None:
    """No terminator is added or sought; pieces are put together; what comes behind is not part of the next answer."""

    def answer(line: bytes) -> None:
        pty_peer.write(line[:1] + b"\r")
        pty_peer.write_later(0.03, b"\x00\xff")

    pty_peer.on_line = answer
    for first in (b"\x01", b"\x02"):
        assert link.exchange_message(first + b"\r\n", three_bytes) == first + b"\r\x00"
        time.sleep(0.02)
    assert (link.trace()[-1].sent, link.trace()[-2].fault) == (b"\x02\r\n", "unasked, thrown away")


def test_a_binary_exchange_that_stays_short_leaves_the_link_stale(pty_peer: PtyPeer, link: SerialLink) -> None:
    """Then only a barrier helps, whose answer is found behind whatever else comes."""
    pty_peer.on_line = lambda line: pty_peer.write(b"ab" if line == b"?" else b"xxab!")
    with pytest.raises(DeadlineExceeded, match=r"no complete answer within 0\.3 s; asked .*got 'ab'"):
        link.exchange_message(b"?\r\n", three_bytes)
    with pytest.raises(ProtocolError, match="resynchronise"):
        link.exchange_message(b"?\r\n", three_bytes)
    with pytest.raises(DeadlineExceeded, match="no answer to the barrier"):
        link.resynchronise_message(b"#\r\n", lambda received: received.find(b"?") + 1, 0.1)
    assert link.stale
    assert link.resynchronise_message(b"#\r\n", lambda received: received.find(b"!") + 1, 0.5) == b"xxab!"
    assert link.exchange_message(b"!\r\n", three_bytes) == b"xxa"


def test_what_speaks_by_itself_is_heard_without_waiting(pty_peer: PtyPeer, link: SerialLink) -> None:
    started_s = time.monotonic()
    assert link.heard_lines() == []
    assert time.monotonic() - started_s < 0.04
    pty_peer.write(b"one\r\ntwo\r\nth")
    pty_peer.loop_thread.call(lambda: pty_peer.write_later(0.02, b"ree\r\n"))
    time.sleep(0.01)
    assert link.heard_lines() == ["one", "two", "three"]
    pty_peer.write(b"old\r\n")
    time.sleep(0.01)
    assert link.listen_anew() == b"old\r\n"
    pty_peer.write(b"cut")
    time.sleep(0.01)
    with pytest.raises(ProtocolError, match="a line without an end"):
        link.heard_lines()
    pty_peer.write(b"next\r\n")
    time.sleep(0.01)
    assert link.heard_lines() == ["next"]


def test_listening_to_a_port_that_goes_away_is_connection_lost(pty_peer: PtyPeer, link: SerialLink) -> None:
    pty_peer.hang_up()
    with pytest.raises(ConnectionLost):
        link.heard_lines()
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            link.listen_anew()
