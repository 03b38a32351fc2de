"""The server of simulated instruments, with pyvisa as the client that we did not write."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource

from meterbench.instruments.faults import Fault, FaultKind, FaultPlan
from meterbench.instruments.scpi import server as scpi_server
from meterbench.instruments.scpi.core import ScpiInstrument
from meterbench.instruments.scpi.parameters import Number
from meterbench.instruments.scpi.server import ScpiServer

if TYPE_CHECKING:
    from tests.instruments.conftest import ServeScpi


def supply() -> ScpiInstrument:
    instrument = ScpiInstrument("Acme,PS1,42,1.0", on_reset=lambda: None)
    instrument.setting("VOLTage", Number(0.0, 30.0, "V"), 0.0)
    return instrument


def connect(server: ScpiServer, timeout_ms: int = 2000) -> MessageBasedResource:
    resource = pyvisa.ResourceManager("@py").open_resource(
        server.address, read_termination="\n", write_termination="\n", timeout=timeout_ms
    )
    return cast("MessageBasedResource", resource)


@pytest.mark.peer
def test_pyvisa_talks_to_it_and_the_transcript_has_every_line(serve_scpi: ServeScpi) -> None:
    """Commands, queries, two connections with one instrument behind them."""
    server = serve_scpi(supply(), FaultPlan())
    with connect(server) as one, connect(server) as two:
        one.write("VOLT 3.3")
        assert one.query("*OPC?") == "1"
        assert two.query_ascii_values("VOLT?") == [3.3]
    assert [(entry.direction, entry.line) for entry in server.transcript] == [
        (">", b"VOLT 3.3\n"),
        (">", b"*OPC?\n"),
        ("<", b"1\n"),
        (">", b"VOLT?\n"),
        ("<", b"+3.30000000E+00\n"),
    ]


@pytest.mark.peer
def test_the_transcript_keeps_the_latest_lines_only(serve_scpi: ServeScpi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laboratory that is served for days must not grow with all that was ever said, blocks of a log included."""
    monkeypatch.setattr(scpi_server, "KEPT_LINES", 4)
    server = serve_scpi(supply(), FaultPlan())
    with connect(server) as client:
        for _ in range(20):
            client.query("VOLT?")
        client.query("*OPC?")
    assert len(server.transcript) <= 8
    assert [entry.line for entry in server.transcript[-2:]] == [b"*OPC?\n", b"1\n"]


@pytest.mark.peer
def test_faults_as_seen_by_pyvisa(serve_scpi: ServeScpi) -> None:
    """Silence and a dropped connection are time-outs, a refusal leaves -221, a garbled answer is another one."""
    faults = FaultPlan((Fault(FaultKind.SILENCE), Fault(FaultKind.REFUSE, 1), Fault(FaultKind.GARBLE, 3)))
    server = serve_scpi(supply(), faults)
    with connect(server, 300) as client:
        with pytest.raises(pyvisa.VisaIOError):
            client.query("VOLT?")
        client.write("VOLT 3")
        assert client.query("SYST:ERR?") == '-221,"Settings conflict"'
        assert client.query("*IDN?") != "Acme,PS1,42,1.0"
        assert client.query("VOLT?") == "+0.00000000E+00"
        faults.add(Fault(FaultKind.CLOSE))
        with pytest.raises(pyvisa.VisaIOError):
            client.query("VOLT?")
    faults.add(Fault(FaultKind.DIE))
    with connect(server, 300) as client, pytest.raises((pyvisa.VisaIOError, OSError)):
        client.query("VOLT?")
    with connect(server, 300) as client, pytest.raises((pyvisa.VisaIOError, OSError)):
        client.query("VOLT?")


@pytest.mark.peer
def test_message_beyond_the_limit_is_refused(serve_scpi: ServeScpi) -> None:
    """-363, and the connection ends; the instrument goes on."""
    server = serve_scpi(supply(), FaultPlan())
    with connect(server, 300) as client, pytest.raises((pyvisa.VisaIOError, OSError)):
        client.query("X" * (1 << 19))
    with connect(server) as client:
        assert client.query("SYST:ERR?") == '-363,"Input buffer overrun"'
