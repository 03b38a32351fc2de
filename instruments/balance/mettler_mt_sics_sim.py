"""A balance that speaks MT-SICS levels 0 and 1, on a pseudo-terminal or a TCP port (grammar: instruments.md 2.1)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import tty
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from meterbench.instruments.balance.pan import CellSpec, Pan
from meterbench.instruments.faults import Fault, FaultKind, FaultPlan

LEVELS = {0: ("@", "I0", "I1", "I2", "I3", "I4", "S", "SI", "SIR", "Z", "ZI"), 1: ("C", "T", "TA", "TAC", "TI")}
"""What ``I0`` lists, besides M21 of level 2."""
UNITS_G = {"g": 1.0, "kg": 1000.0}
OVERLOAD_STEPS = 9
UNDERLOAD_SHARE = 0.02
"""Below minus this share of the capacity the pan is taken to be off."""
STABLE_WAIT_S = 10.0
"""World seconds after which a command that waits for stability gives up."""
STREAM_PERIOD_S = 0.1
"""World seconds between the readings of ``SIR``."""
WORLD_POLL_S = 0.005
"""Wall seconds between looks at the world's clock while a command waits."""


class _Wire(Protocol):
    """What a session needs of a TCP connection or a pseudo-terminal."""

    def write(self, line: bytes, /) -> None: ...

    def close(self) -> None: ...


class MtSicsSim:
    """A terminal with its pan; made, started, used and stopped in the lab's loop.

    ``apparent_mass_g`` is what stands on the pan (mass in air against steel weights) and ``now_s`` the time, both of
    the world. Call ``sample`` after each step of the world, so that the pan sees what happened between two readings.
    """

    def __init__(
        self,
        apparent_mass_g: Callable[[], float],
        now_s: Callable[[], float],
        rng: np.random.Generator,
        *,
        spec: CellSpec | None = None,
        serial: str = "B207696838",
        faults: FaultPlan | None = None,
    ) -> None:
        self.faults = faults or FaultPlan()
        self.transcript: deque[tuple[float, str, bytes]] = deque(maxlen=1000)
        """World time, ``<`` for what came in or ``>`` for what went out, the bytes."""
        self._pan = Pan(apparent_mass_g, now_s, rng, spec or CellSpec())
        self.sample = self._pan.look
        self._now_s = now_s
        self._identity = f'I4 A "{serial}"'
        self._zero_g = 0.0
        self._tare_g = 0.0
        self._unit = "g"
        self.sessions: set[_Session] = set()
        self._server: asyncio.Server | None = None
        self._pty: tuple[int, int] | None = None

    async def start_tcp(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve lines on a TCP port; the address to give to the driver, ``socket://host:port``."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _TcpProtocol(self), host, port)
        bound = self._server.sockets[0].getsockname()
        return f"socket://{bound[0]}:{bound[1]}"

    async def start_pty(self) -> str:
        """Serve lines on a pseudo-terminal; the path to give to the driver."""
        controller, port = os.openpty()
        tty.setraw(port)
        os.set_blocking(controller, False)
        self._pty = controller, port  # the port stays open here, or reading would fail while no client has it open
        session = _Session(self, _PtyWire(controller))
        asyncio.get_running_loop().add_reader(controller, lambda: session.received(os.read(controller, 4096)))
        return os.ttyname(port)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        for session in tuple(self.sessions):
            session.close()
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._pty is not None:
            asyncio.get_running_loop().remove_reader(self._pty[0])
            for end in self._pty:
                os.close(end)
            self._pty = None

    def press_print(self) -> None:
        """Somebody presses the print key: every client gets a reading that it did not ask for."""
        self._tell(self._weigh("S", need_stable=False))

    def restart(self) -> None:
        """Power off and on: the balance zeroes itself and says unasked who it is."""
        self._pan.look()
        self._zero_g, self._tare_g, self._unit = self._pan.gross_g(), 0.0, "g"
        self._tell(self._identity)

    def log(self, direction: str, sent: bytes) -> None:
        """Keep something in the transcript."""
        self.transcript.append((self._now_s(), direction, sent))

    async def answer(self, command: str) -> list[str]:
        """The lines that answer ``command``."""
        word, _, argument = command.partition(" ")
        match word, argument:
            case (("S" | "T" | "Z"), ""):
                await self._wait_until_stable()
                return [self._weigh(word, need_stable=True)]
            case (("SI" | "TI" | "ZI"), ""):
                return [self._weigh(word, need_stable=False)]
            case (("@" | "I4"), ""):
                return [self._identity]
            case "I0", "":
                return [
                    *(f'I0 B {level} "{name}"' for level, names in LEVELS.items() for name in names),
                    'I0 A 2 "M21"',
                ]
            case "I1", "":
                return ['I1 A "01" "2.30" "2.22" "" ""']
            case "I2", "":
                return [f'I2 A "SIM {self._number(self._pan.spec.capacity_g)} {self._unit}"']
            case "I3", "":
                return ['I3 A "1.00 10.28.0.493.142"']
            case "C", "":
                return ["C B", "C A"]
            case "TAC", "":
                self._tare_g = 0.0
                return ["TAC A"]
            case "TA", _:
                return [self._preset_tare(argument)]
            case "M21", ("0 0" | "0 1"):
                self._unit = "kg" if argument == "0 1" else "g"
                return ["M21 A"]
            case "M21", _:
                return ["M21 L"]
        return ["ES"]

    async def stream(self, send: Callable[[str], None]) -> None:
        """``SIR``: readings until cancelled."""
        while True:
            send(self._weigh("S", need_stable=False))
            next_s = self._now_s() + STREAM_PERIOD_S
            while self._now_s() < next_s:
                await asyncio.sleep(WORLD_POLL_S)

    async def _wait_until_stable(self) -> None:
        end_s = self._now_s() + STABLE_WAIT_S
        self._pan.look()
        while not self._pan.stable and self._now_s() < end_s:
            await asyncio.sleep(WORLD_POLL_S)
            self._pan.look()

    def _weigh(self, word: str, *, need_stable: bool) -> str:
        """Look at the pan and weigh (S, SI), tare (T, TI) or zero (Z, ZI)."""
        self._pan.look()
        gross_g, spec = self._pan.gross_g(), self._pan.spec
        load_g = gross_g - self._zero_g
        name = "S" if word == "SI" else word
        if load_g > spec.capacity_g + OVERLOAD_STEPS * spec.readability_g:
            return f"{name} +"
        if load_g < -UNDERLOAD_SHARE * spec.capacity_g:
            return f"{name} -"
        if need_stable and not self._pan.stable:
            return f"{name} I"
        status = "S" if self._pan.stable else "D"
        if name == "S":
            return f"S {status} {self._weight(load_g - self._tare_g)}"
        if name in ("T", "TI"):
            self._tare_g = load_g
            return f"{name} {status} {self._weight(load_g)}"
        self._zero_g, self._tare_g = gross_g, 0.0
        return "Z A" if name == "Z" else f"ZI {status}"

    def _preset_tare(self, argument: str) -> str:
        if argument:
            preset = re.fullmatch(r"(\d+(?:\.\d+)?) (g|kg)", argument)
            if preset is None or float(preset[1]) * UNITS_G[preset[2]] > self._pan.spec.capacity_g:
                return "TA L"
            self._tare_g = float(preset[1]) * UNITS_G[preset[2]]
        return f"TA A {self._weight(self._tare_g)}"

    def _weight(self, mass_g: float) -> str:
        """The field of 10 characters, a blank and the unit."""
        return f"{self._number(mass_g):>10} {self._unit}"

    def _number(self, mass_g: float) -> str:
        """In whole steps of readability, with the decimals that they need."""
        step_g = self._pan.spec.readability_g
        decimals = len(f"{step_g / UNITS_G[self._unit]:.9f}".rstrip("0").partition(".")[2])
        return f"{round(mass_g / step_g) * step_g / UNITS_G[self._unit]:.{decimals}f}"

    def _tell(self, line: str) -> None:
        for session in self.sessions:
            session.send(f"{line}\r\n".encode("ascii"))


class _Session:
    """One client: lines in, one command at a time, faults on the way out."""

    def __init__(self, sim: MtSicsSim, wire: _Wire) -> None:
        self._sim = sim
        self._wire = wire
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        sim.sessions.add(self)

    def received(self, chunk: bytes) -> None:
        """Bytes from the client; a new command cancels one that still waits."""
        *lines, self._buffer = (self._buffer + chunk).split(b"\r\n")
        for line in lines:
            self._sim.log("<", line + b"\r\n")
            if self._task is not None:
                self._task.cancel()
            self._task = asyncio.get_running_loop().create_task(self._serve(line))

    def send(self, payload: bytes) -> None:
        """Send, unless the client has gone."""
        if self in self._sim.sessions:
            self._sim.log(">", payload)
            self._wire.write(payload)

    def close(self) -> None:
        """Forget the client; safe to call twice."""
        if self._task is not None:
            self._task.cancel()
        self._sim.sessions.discard(self)
        self._wire.close()

    async def _serve(self, line: bytes) -> None:
        fault = self._sim.faults.next()
        kind = fault.kind if fault else None
        command = line.decode("ascii", "replace")
        if kind is FaultKind.DIE:
            await self._sim.stop()
        elif kind is FaultKind.REFUSE:
            name = {"SI": "S", "SIR": "S", "@": "I4"}.get(command, command.partition(" ")[0])
            self._send_lines([f"{name} I"], None)
        elif kind is FaultKind.SILENCE:
            pass
        elif "\ufffd" in command:
            self._send_lines(["ET"], fault)
        elif command == "SIR":
            await self._sim.stream(lambda reading: self._send_lines([reading], fault))
        else:
            self._send_lines(await self._sim.answer(command), fault)

    def _send_lines(self, lines: list[str], fault: Fault | None) -> None:
        payload = "\r\n".join(lines).encode("ascii")
        if fault is None:
            self.send(payload + b"\r\n")
        elif fault.kind is FaultKind.LATE:
            asyncio.get_running_loop().call_later(fault.delay_s, self.send, payload + b"\r\n")
        elif fault.kind is FaultKind.GARBLE:
            self.send(self._sim.faults.garble(payload) + b"\r\n")
        else:
            self.send(payload[: len(payload) // 2])
            self._wire.close()


class _TcpProtocol(asyncio.Protocol):
    """A client that came by TCP."""

    def __init__(self, sim: MtSicsSim) -> None:
        self._sim = sim

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._session = _Session(self._sim, transport)

    def data_received(self, data: bytes) -> None:
        self._session.received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._session.close()


class _PtyWire:
    """The controlling end of a pseudo-terminal."""

    def __init__(self, controller: int) -> None:
        self._controller = controller

    def write(self, line: bytes) -> None:
        """Bytes that do not fit because nobody reads are lost, as on a serial port."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._controller, line)

    def close(self) -> None:
        """A serial line has no connection to close; ``MtSicsSim.stop`` closes the port itself."""
