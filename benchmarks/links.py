"""Round trips a second of each link against its simulator, and of the virtual laboratory's own clockwork.

    python benchmarks/links.py [--json]

A laboratory with the four meters of the virtual station is up; link and simulator share this process, one thread each,
so a round trip is the work of both sides and the loopback between them. The floor is a bare socket: one thread sends a
line, another one sends it back.

Then each link beside the bare library below it: two simulators of one kind, in a process of their own, are asked the
same bytes in turn, one by each, and the fastest goes are compared.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

import pyvisa
import serial
from common.figures import Figure, main_of
from common.simulators import Wanted, simulators
from common.timing import best_call_s
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pyvisa.resources import MessageBasedResource

from meterbench.bench.station import load as load_station
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.cli import default_station
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.links.visa_link import VisaLink
from meterbench.instruments.place import Place
from meterbench.instruments.rig import plc_map
from meterbench.instruments.rig.modbus_plc import open_rig_plc
from meterbench.instruments.thermometer.keysight_34461a import MODELS
from meterbench.world.clock import VirtualClock

CALLS = 300
FLOWS_L_H = (1000.0, 2000.0)
BESIDE_GOES = 12
"""Of ``CALLS`` calls each: so many that other work on the machine leaves some of them alone."""
BESIDE_AIM = "1.3 times the bare library's"
MASTER_WORDS = (30000, 10)
"""What is read of a Krohne MFC 400: address and count."""
HALF_S = 0.5
"""Period of the bench's heartbeat: the world never goes on for longer at a time while anything changes."""


@contextmanager
def bare_echo() -> Iterator[Callable[[], object]]:
    """A round trip of 16 bytes over loopback between two threads, nothing around it."""
    near, far = socket.socketpair()

    def echo() -> None:
        while asked := far.recv(64):
            far.sendall(asked)

    thread = threading.Thread(target=echo)
    thread.start()

    def round_trip() -> None:
        near.sendall(b"0123456789abcdef")
        near.recv(64)

    try:
        yield round_trip
    finally:
        near.close()
        thread.join()
        far.close()


@contextmanager
def links(addresses: dict[str, list[str]]) -> Iterator[tuple[ModbusLink, SerialLink, VisaLink]]:
    """One open link of each kind to the laboratory's simulators."""
    modbus = ModbusLink("rig", addresses["rig"][0], unit_id=plc_map.UNIT_ID)
    mt_sics = SerialLink("balance", addresses["balance"][0])
    scpi = VisaLink("thermometer", addresses["thermometer"][0])
    try:
        modbus.open()
        mt_sics.open()
        scpi.open(*MODELS)
        yield modbus, mt_sics, scpi
    finally:
        for link in (modbus, mt_sics, scpi):
            link.close()


def rate(name: str, work: Callable[[], object], unit: str = "round trips/s") -> Figure:
    """How often ``work`` can be done in a second."""
    return Figure(name, 1.0 / best_call_s(work, CALLS), unit)


Pair = tuple[Callable[[], object], Callable[[], object], Callable[[], None]]
"""The link's round trip, the bare library's with the same bytes, and what closes both."""


def scpi_beside(address: str, bare_address: str) -> Pair:
    """Beside pyvisa."""
    link = VisaLink("thermometer", address)
    link.open(*MODELS)
    bare = pyvisa.ResourceManager("@py").open_resource(bare_address, read_termination="\n", write_termination="\n")
    assert isinstance(bare, MessageBasedResource)

    def close() -> None:
        link.close()
        bare.close()

    return lambda: link.query("*OPC?"), lambda: bare.query("*OPC?;:SYST:ERR?"), close


def line_beside(address: str, bare_address: str) -> Pair:
    """A balance, beside pyserial."""
    link = SerialLink("balance", address)
    link.open()
    bare = serial.serial_for_url(bare_address, timeout=1.0)

    def bare_exchange() -> None:
        bare.write(b"SI\r\n")
        bare.read_until(b"\r\n")

    def close() -> None:
        link.close()
        bare.close()

    return lambda: link.exchange("SI"), bare_exchange, close


def modbus_beside(address: str, bare_address: str) -> Pair:
    """A flow meter, beside pymodbus' own client."""
    link = ModbusLink("master_b", address)
    link.open()
    first, count = MASTER_WORDS
    bare: ModbusTcpClient | ModbusSerialClient
    if bare_address.startswith("rtu://"):
        bare = ModbusSerialClient(bare_address.removeprefix("rtu://"), baudrate=19200, timeout=1.0, retries=0)
    else:
        host, _, port = bare_address.partition("://")[2].partition(":")
        framer = FramerType.RTU if bare_address.startswith("rtu-tcp:") else FramerType.SOCKET
        bare = ModbusTcpClient(host, port=int(port), framer=framer, timeout=1.0, retries=0)
    bare.connect()

    def close() -> None:
        link.close()
        bare.close()

    return (
        lambda: link.read_input(first, count),
        lambda: bare.read_input_registers(first, count=count, device_id=1),
        close,
    )


BESIDE = (
    ("SCPI, raw socket", Wanted("thermometer", "keysight_34461a"), scpi_beside),
    ("SCPI, HiSLIP", Wanted("thermometer", "keysight_34461a", "hislip"), scpi_beside),
    ("lines, socket", Wanted("balance", "mt_sics"), line_beside),
    ("lines, pseudo-terminal", Wanted("balance", "mt_sics", "pty"), line_beside),
    ("Modbus TCP, read 10 words", Wanted("master_b", "krohne_mfc400"), modbus_beside),
    ("Modbus RTU over TCP, read 10 words", Wanted("master_b", "krohne_mfc400", "rtu-tcp"), modbus_beside),
    ("Modbus RTU, pseudo-terminal, read 10 words", Wanted("master_b", "krohne_mfc400", "pty"), modbus_beside),
)


def beside() -> list[Figure]:
    """Each link and its bare library."""
    figures = []
    with simulators([wanted for _, wanted, _ in BESIDE for _ in range(2)]) as addresses:
        pairs = zip(addresses[::2], addresses[1::2], strict=True)
        for (name, _, open_both), pair in zip(BESIDE, pairs, strict=True):
            ours, bare, close = open_both(*pair)
            try:
                ours()
                goes = [(best_call_s(ours, CALLS, 1), best_call_s(bare, CALLS, 1)) for _ in range(BESIDE_GOES)]
            finally:
                close()
            ours_s, bare_s = map(min, zip(*goes, strict=True))
            figures += [
                Figure(f"{name}: link", 1e6 * ours_s, "us"),
                Figure(f"{name}: bare library", 1e6 * bare_s, "us"),
                Figure(f"{name}: time beside the bare library", ours_s / bare_s, "", BESIDE_AIM),
            ]
    return figures


def measure() -> list[Figure]:
    """The links, then the laboratory, then the links beside the bare libraries."""
    with bare_echo() as round_trip:
        figures = [rate("floor: bare socket", round_trip)]
    status, beat = plc_map.STATUS, plc_map.BY_NAME["pc_heartbeat"].address
    lab = VirtualLab(load_station(default_station()))
    addresses = lab.start()
    try:
        with links(addresses) as (modbus, mt_sics, scpi):
            figures += [
                rate(
                    f"Modbus TCP, read {status.count} words", lambda: modbus.read_holding(status.address, status.count)
                ),
                rate("Modbus TCP, write 1 word", lambda: modbus.write_registers(beat, [0])),
                rate("MT-SICS, SI", lambda: mt_sics.exchange("SI")),
                rate("SCPI, query with its error queue", lambda: scpi.query("*OPC?")),
            ]
        figures.append(
            rate("advance by nothing: the hand-over between the threads", lambda: lab.advance(0.0), "calls/s")
        )
        rig = open_rig_plc(Place("rig", addresses["rig"][0], VirtualClock(lab.advance)))
        try:
            rig.request_remote()
            flows_l_h = cycle(FLOWS_L_H)

            def change_flow() -> None:
                rig.beat()
                rig.start_flow("C", next(flows_l_h), ramp_l_h_s=plc_map.BY_NAME["ramp_flow"].high)
                lab.advance(HALF_S)

            figures.append(rate(f"beat, new set-point, {HALF_S:g} s of changing flow", change_flow, "calls/s"))
        finally:
            rig.close()
    finally:
        lab.stop()
    return figures + beside()


def main() -> None:
    """Measure and print."""
    main_of(__doc__, "links", measure)


if __name__ == "__main__":
    main()
