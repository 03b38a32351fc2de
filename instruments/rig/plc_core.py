"""What the Modbus side of the PLC simulator asks of the PLC's logic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class PlcCore(Protocol):
    """The PLC's logic, called in the lab's loop only and never blocking."""

    def process_image(self) -> Mapping[str, float | int]:
        """The numbers of ``plc_map.IMAGE`` by register name, in the map's units, fresh at each call.

        All but ``plc_map.OF_THE_VIEW``; unsigned registers as ints that fit (``plc_heartbeat`` below 2**16, say).
        """

    def setpoints_in_force(self) -> Mapping[str, float]:
        """Those of ``plc_map.SETPOINTS`` that do not start at their power-on number."""

    def cycle_state(self) -> Mapping[str, int]:
        """The numbers of ``plc_map.CYCLE_STATE`` by register name."""

    def cycle_window(self, first: int) -> Sequence[int]:
        """The ``cycle_map.WINDOW_WORDS`` words of the window on the log of cycles, from that cycle on."""

    def execute(self, command: int, setpoints: Mapping[str, float | int]) -> int:
        """Do ``command`` (``plc_map.Command``) and answer a ``plc_map.Result``; ``setpoints`` has all of
        ``plc_map.SETPOINTS`` and ``plc_map.CYCLE_PLAN`` by name.

        Called once for each new ``cmd_seq``, after the ranges of the map were checked.
        """

    def beat(self, value: int) -> None:
        """The bench wrote ``pc_heartbeat``."""

    def remote_request(self, value: int) -> None:
        """The bench wrote ``remote_request``: 1 asks for control, 0 gives it back."""

    def restart(self) -> None:
        """The PLC lost its supply and is back: ``uptime_s`` begins at 0, the state is SAFE and nobody has control."""
