"""A balance that speaks Sartorius SBI, on TCP, a pseudo-terminal or RFC 2217 (grammar: instruments.md 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from meterbench.instruments.balance.pan import CellSpec, Pan
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.serving.byte_server import ByteServer, Send

OVERLOAD_STEPS = 9
UNDERLOAD_SHARE = 0.02
"""Below minus this share of the capacity the pan is taken to be off."""
ZERO_SHARE = 0.02
"""``ESC V`` and ``ESC T`` set zero within this share of the capacity."""
SELF_TEST_S = 5.0
"""World seconds after power-on in which it does not answer (unconfirmed)."""
ADJUSTMENT_S = 8.0
"""World seconds that the internal adjustment takes (unconfirmed)."""

_COMMAND = re.compile(rb"\x1b([A-Z]|[a-z][A-Za-z0-9]{1,6}_)")


class SartoriusSbiSim:
    """A balance with its pan; made, started, used and stopped in the lab's loop.

    ``apparent_mass_g`` is what stands on the pan (mass in air against steel weights) and ``now_s`` the time, both of
    the world. Call ``sample`` after each step of the world, so that the pan sees what happened between two readings.
    ``with_id`` sends lines of 22 characters instead of 16.
    """

    terminator = b"\r\n"

    def __init__(
        self,
        apparent_mass_g: Callable[[], float],
        now_s: Callable[[], float],
        rng: np.random.Generator,
        *,
        spec: CellSpec | None = None,
        serial: str = "0037402012",
        with_id: bool = True,
        faults: FaultPlan | None = None,
    ) -> None:
        spec = spec or CellSpec()
        faults = faults or FaultPlan()
        self.server = ByteServer(self, faults)
        self._pan = Pan(lambda: faults.measured(apparent_mass_g(), spec.capacity_g, now_s()), now_s, rng, spec)
        self.sample = self._pan.look
        self._now_s = now_s
        self._told = {"x1_": f"SIM{spec.capacity_g / 1000.0:.0f}K", "x2_": serial, "x3_": "00-20-12.01"}
        self._with_id = with_id
        self._zero_g = 0.0
        self._tare_g = 0.0
        self._answers_from_s = -1.0
        self._adjusting_until_s = -1.0

    async def start(self, wire: str = "") -> str:
        """Serve ``tcp``, ``pty`` or ``rfc2217``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """Commands begin with ESC and know their own end; CR LF between them means nothing."""
        commands, end = [], 0
        for found in _COMMAND.finditer(received):
            commands.append(found[1])
            end = found.end()
        escape = received.rfind(b"\x1b", end)
        return commands, received[escape:][:8] if escape >= 0 else b""

    async def answer(self, request: bytes, send: Send) -> None:
        """Only ``P`` and ``x1_`` to ``x3_`` answer; what is not known is passed over."""
        if self._now_s() < self._answers_from_s:
            return
        command = request.decode("ascii")
        if command == "P":
            send(self._line())
        elif command in self._told:
            send(self._told[command].encode("ascii") + self.terminator)
        else:
            self._carry_out(command)

    def refusal(self, request: bytes) -> bytes:
        """It cannot weigh at the moment; all else is passed over in silence."""
        return self._block("Stat", "Cal.Int.".center(14)) if request == b"P" else b""

    def restart(self) -> bytes:
        """Power off and on: it tests itself, sets zero with what is on the pan, and says nothing of it."""
        self._pan.look()
        self._zero_g, self._tare_g = self._pan.gross_g(), 0.0
        self._answers_from_s = self._now_s() + SELF_TEST_S
        return b""

    def wrong_unit(self, message: bytes) -> bytes:
        """SBI knows no addresses."""
        return message

    # The balance.

    def press_print(self) -> None:
        """Somebody presses the print key: every client gets a line that it did not ask for."""
        self.server.tell(self._line())

    def _carry_out(self, command: str) -> None:
        self._pan.look()
        gross_g = self._pan.gross_g()
        in_zero_range = abs(gross_g) <= ZERO_SHARE * self._pan.spec.capacity_g
        match command:
            case "U":
                self._tare_g = gross_g - self._zero_g
            case "T" | "V" if in_zero_range:
                self._zero_g, self._tare_g = gross_g, 0.0
            case "T":
                self._tare_g = gross_g - self._zero_g
            case "Z":
                self._adjusting_until_s = self._now_s() + ADJUSTMENT_S

    def _line(self) -> bytes:
        """What the print key prints."""
        self._pan.look()
        load_g, spec = self._pan.gross_g() - self._zero_g, self._pan.spec
        if self._now_s() < self._adjusting_until_s:
            return self._block("Stat", "Cal.Int.".center(14))
        if load_g > spec.capacity_g + OVERLOAD_STEPS * spec.readability_g:
            return self._block("Stat", "High".center(14))
        if load_g < -UNDERLOAD_SHARE * spec.capacity_g:
            return self._block("Stat", "Low".center(14))
        decimals = len(f"{spec.readability_g:.9f}".rstrip("0").partition(".")[2])
        steps = round((load_g - self._tare_g) / spec.readability_g)
        number = f"{abs(steps) * spec.readability_g:.{decimals}f}"
        unit = "g" if self._pan.stable else ""
        return self._block("N", f"{'-' if steps < 0 else '+'}{number:>9} {unit:<3}")

    def _block(self, name: str, text: str) -> bytes:
        return f"{name:<6}{text}\r\n".encode("ascii") if self._with_id else f"{text}\r\n".encode("ascii")
