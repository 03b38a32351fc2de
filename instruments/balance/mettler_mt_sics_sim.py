"""A balance that speaks MT-SICS levels 0 and 1, on a pseudo-terminal or a TCP port (grammar: instruments.md 2.1)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import numpy as np

from meterbench.instruments.balance.pan import CellSpec, Pan
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.serving.byte_server import ByteServer, Send, split_lines

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


class MtSicsSim:
    """A terminal with its pan; made, started, used and stopped in the lab's loop.

    ``apparent_mass_g`` is what stands on the pan (mass in air against steel weights) and ``now_s`` the time, both of
    the world. Call ``sample`` after each step of the world, so that the pan sees what happened between two readings.
    """

    terminator = b"\r\n"

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
        spec = spec or CellSpec()
        faults = faults or FaultPlan()
        self.server = ByteServer(self, faults)
        self._pan = Pan(lambda: faults.measured(apparent_mass_g(), spec.capacity_g, now_s()), now_s, rng, spec)
        self.sample = self._pan.look
        self._now_s = now_s
        self._identity = f'I4 A "{serial}"'
        self._zero_g = 0.0
        self._tare_g = 0.0
        self._unit = "g"

    async def start(self, wire: str = "") -> str:
        """Serve lines on ``tcp`` or ``pty``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """Lines end in CR LF."""
        return split_lines(received, self.terminator)

    async def answer(self, request: bytes, send: Send) -> None:
        """A command, in ASCII; ``ET`` if it is not."""
        command = request.decode("ascii", "replace")
        if command == "SIR":
            await self.stream(lambda reading: send(reading.encode() + self.terminator))
        else:
            lines = ["ET"] if "\ufffd" in command else await self.lines_for(command)
            send("\r\n".join(lines).encode("ascii") + self.terminator)

    def refusal(self, request: bytes) -> bytes:
        """Not executable at the moment."""
        command = request.decode("ascii", "replace")
        name = {"SI": "S", "SIR": "S", "@": "I4"}.get(command, command.partition(" ")[0])
        return f"{name} I\r\n".encode("ascii", "replace")

    def restart(self) -> bytes:
        """Power off and on: the balance zeroes itself and says unasked who it is."""
        self._pan.look()
        self._zero_g, self._tare_g, self._unit = self._pan.gross_g(), 0.0, "g"
        return f"{self._identity}\r\n".encode("ascii")

    def wrong_unit(self, message: bytes) -> bytes:
        """MT-SICS knows no addresses."""
        return message

    # The terminal.

    def press_print(self) -> None:
        """Somebody presses the print key: every client gets a reading that it did not ask for."""
        self.server.tell(f"{self._weigh('S', need_stable=False)}\r\n".encode("ascii"))

    async def lines_for(self, command: str) -> list[str]:
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
