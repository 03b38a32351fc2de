"""Status registers and error queue of IEEE 488.2 (chapter 11) and SCPI-99 (volume 2, chapter 21)."""

from __future__ import annotations

from collections import deque

from meterbench.instruments.scpi.errors import ScpiError

QUEUE_LENGTH = 20
OPC, QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 4, 8, 16, 32, 128
"""Bits of the event status register, by weight."""
_CLASS_BITS = {1: COMMAND_ERROR, 2: EXECUTION_ERROR, 3: DEVICE_ERROR, 4: QUERY_ERROR}
ERROR_QUEUED, MESSAGE_AVAILABLE, EVENT_SUMMARY, MASTER_SUMMARY = 4, 16, 32, 64
"""Bits of the status byte, by weight."""


class Status:
    """Event status register, its enable masks, and the error queue."""

    def __init__(self) -> None:
        self._errors: deque[ScpiError] = deque()
        self.restart()

    def restart(self) -> None:
        """As after power-on: its event alone, no masks, no errors."""
        self.event = POWER_ON
        self.event_enable = 0
        self.service_enable = 0
        self._errors.clear()

    def push(self, error: ScpiError) -> None:
        """Queue ``error`` and set its class's bit; when the queue is full the last entry becomes -350."""
        self.event |= _CLASS_BITS[-error.code // 100]
        if len(self._errors) == QUEUE_LENGTH:
            self._errors[-1] = ScpiError(-350)
        else:
            self._errors.append(error)

    def pop_error(self) -> str:
        """The oldest entry, taken out; ``0,"No error"`` if there is none."""
        return str(self._errors.popleft() if self._errors else ScpiError(0))

    def pop_event(self) -> int:
        """The event status register, cleared by reading."""
        event, self.event = self.event, 0
        return event

    def byte(self, message_available: bool) -> int:
        """The status byte; reading clears nothing."""
        byte = ERROR_QUEUED * bool(self._errors) + MESSAGE_AVAILABLE * message_available
        byte += EVENT_SUMMARY * bool(self.event & self.event_enable)
        return byte + MASTER_SUMMARY * bool(byte & self.service_enable)

    def clear(self) -> None:
        """``*CLS``: events and errors; the masks stay."""
        self.event = 0
        self._errors.clear()
