"""Round trips a second of each link against its simulator, and of the virtual laboratory's own clockwork.

    python benchmarks/links.py [--json]

A laboratory with the four meters of the virtual station is up; link and simulator share this process, one thread each,
so a round trip is the work of both sides and the loopback between them. The floor is a bare socket: one thread sends a
line, another one sends it back.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

from common.figures import Figure, main_of
from common.timing import best_call_s

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


def measure() -> list[Figure]:
    """The links, then the laboratory."""
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
    return figures


def main() -> None:
    """Measure and print."""
    main_of(__doc__, "links", measure)


if __name__ == "__main__":
    main()
