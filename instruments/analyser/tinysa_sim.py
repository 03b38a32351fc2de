"""A tinySA Ultra's text shell, on TCP, a pseudo-terminal or RFC 2217.

The forms of its answers are those of the firmware, github.com/erikkaashoek/tinySA (main.c, sa_cmd.c).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.serving.byte_server import ByteServer, Send

Spectrum = Callable[[NDArray[np.float64], float], NDArray[np.float64]]
"""Level in dBm at the antenna, at frequencies in Hz, in a bandwidth in Hz."""

MAX_POINTS = 450
MAX_HZ = 6_000_000_000
BANDWIDTHS_HZ = (200.0, 1e3, 3e3, 10e3, 30e3, 100e3, 300e3, 600e3, 850e3)
POWER_ON_SWEEP = (0, 800_000_000, MAX_POINTS)
MAX_INPUT_DBM = 10.0


class TinySaSim:
    """An analyser with an antenna; made, started, used and stopped in the lab's loop.

    ``level_dbm`` is the spectrum at its antenna at this moment; a scan is one look at it.
    """

    terminator = b"ch> "

    def __init__(
        self,
        level_dbm: Spectrum,
        now_s: Callable[[], float],
        *,
        device_id: int = 7,
        faults: FaultPlan | None = None,
    ) -> None:
        self.faults = faults or FaultPlan()
        self.server = ByteServer(self, self.faults)
        self._level_dbm = level_dbm
        self._now_s = now_s
        self._device_id = device_id
        self.restart()

    async def start(self, wire: str = "") -> str:
        """Serve ``tcp``, ``pty`` or ``rfc2217``; the address to give to the driver."""
        return await self.server.start(wire)

    async def stop(self) -> None:
        """Take the instrument off its wires; safe to call twice."""
        await self.server.stop()

    # What the server asks.

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """CR ends a line; LF means nothing."""
        *lines, rest = received.replace(b"\n", b"").split(b"\r")
        return lines, rest

    async def answer(self, request: bytes, send: Send) -> None:
        """The echo, the lines of the answer, and the prompt."""
        command, *arguments = request.decode("latin-1").split() or [""]
        lines = self._lines(command, arguments) if command else []
        send(self._shown(request, lines))

    def refusal(self, request: bytes) -> bytes:
        """As if it did not know the command."""
        return self._shown(request, [f"{request.decode('latin-1').partition(' ')[0]}?"])

    def restart(self) -> bytes:
        """Power off and on: the usual sweep, automatic bandwidth, and its greeting."""
        self._start_hz, self._stop_hz, self._points = POWER_ON_SWEEP
        self._bandwidth_hz = 0.0
        self._actual_hz = BANDWIDTHS_HZ[-1]
        self._trace_dbm: NDArray[np.float64] = np.full(MAX_POINTS, -110.0)
        return b"\r\ntinySA Shell\r\nch> "

    def wrong_unit(self, message: bytes) -> bytes:
        """USB knows no other device on the line."""
        return message

    # The shell.

    def _shown(self, request: bytes, lines: list[str]) -> bytes:
        return b"\r\n".join([request, *(line.encode("latin-1") for line in lines), self.terminator])

    def _lines(self, command: str, arguments: list[str]) -> list[str]:
        match command, arguments:
            case "version", _:
                return ["tinySA4_v1.4-143-g864bb27", "HW Version:V0.4.5.1.1"]
            case "info", _:
                return ["tinySA ULTRA", "Version: tinySA4_v1.4-143-g864bb27"]
            case "deviceid", []:
                return [f"deviceid {self._device_id}"]
            case "sweep", []:
                return [f"{self._start_hz} {self._stop_hz} {self._points}"]
            case "sweep", [start, stop, *rest]:
                return self._set_sweep(start, stop, rest)
            case "rbw", [bandwidth] if bandwidth != "?":
                return self._set_bandwidth(bandwidth)
            case "rbw", _:
                return self._bandwidth_usage()
            case "scan", [start, stop, *rest] if len(rest) <= 2:
                return self._scan(start, stop, rest)
            case "scan", _:
                return ["usage: scan {start(Hz)} {stop(Hz)} [points] [outmask]"]
            case "frequencies", _:
                return [str(hz) for hz in self._frequencies_hz(self._start_hz, self._stop_hz, self._points)]
            case "data", ["0" | "1" | "2"]:
                return [f"{level:e}" for level in self._trace_dbm[: self._points]]
            case "data", _:
                return ["usage: data [0-2]"]
        return [f"{command}?"]

    def _set_sweep(self, start: str, stop: str, rest: list[str]) -> list[str]:
        """Points out of range are moved into it, without a word."""
        self._start_hz, self._stop_hz = int(start), min(int(stop), MAX_HZ)
        if rest:
            self._points = min(max(int(rest[0]), 20), MAX_POINTS)
        return []

    def _set_bandwidth(self, bandwidth: str) -> list[str]:
        if bandwidth == "auto":
            self._bandwidth_hz = 0.0
            return []
        if not 0.2 <= float(bandwidth) <= 850.0:
            return self._bandwidth_usage()
        self._bandwidth_hz = float(bandwidth) * 1e3
        return []

    def _bandwidth_usage(self) -> list[str]:
        """The filter of the last sweep, with an SI prefix."""
        scaled, prefix = (self._actual_hz / 1e3, "k") if self._actual_hz >= 1e3 else (self._actual_hz, "")
        return ["usage: rbw 0.2..850|auto", f"{scaled:.1f}{prefix}Hz"]

    def _scan(self, start: str, stop: str, rest: list[str]) -> list[str]:
        """One look at the spectrum; the outmask tells what is printed of it."""
        start_hz, stop_hz = int(start), int(stop)
        if start_hz > stop_hz or stop_hz > MAX_HZ:
            return ["frequency range is invalid"]
        points = int(rest[0]) if rest else self._points
        if not 0 < points <= MAX_POINTS:
            return ["sweep points exceeds range"]
        wanted_hz = self._bandwidth_hz or (stop_hz - start_hz) / points
        self._actual_hz = next((hz for hz in BANDWIDTHS_HZ if hz >= wanted_hz), BANDWIDTHS_HZ[-1])
        frequencies_hz = self._frequencies_hz(start_hz, stop_hz, points)
        level_dbm = self._level_dbm(np.array(frequencies_hz, dtype=np.float64), self._actual_hz)
        peak_dbm = float(level_dbm.max())
        level_dbm = level_dbm + (self.faults.measured(peak_dbm, MAX_INPUT_DBM, self._now_s()) - peak_dbm)
        self._trace_dbm[:points] = level_dbm
        mask = int(rest[1]) if len(rest) == 2 else 0
        if not mask:
            return []
        lines = []
        for hz, level in zip(frequencies_hz, level_dbm, strict=True):
            lines.append((f"{hz} " if mask & 1 else "") + (f"{level:e} 0.000000000 " if mask & 2 else ""))
        return lines

    def _frequencies_hz(self, start_hz: int, stop_hz: int, points: int) -> list[int]:
        """In whole hertz, as the firmware divides."""
        gaps = max(points - 1, 1)
        step_hz, left_hz = divmod(stop_hz - start_hz, gaps)
        return [start_hz + step_hz * number + (gaps // 2 + left_hz * number) // gaps for number in range(points)]
