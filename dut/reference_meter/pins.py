"""The wires between the board and the firmware."""

from __future__ import annotations

from meterbench.dut.reference_meter.hardware.board import Board
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.dut.reference_meter.metrology.sensors.i2c import I2cBus


class Pins:
    """What the firmware reads (its ``Inputs``). ``first_cycle`` is the oscillator's at the firmware's start."""

    def __init__(self, board: Board, fitted: Fitted, first_cycle: int) -> None:
        self._board = board
        self.fitted = fitted
        self._first_cycle = first_cycle

    @property
    def bus(self) -> I2cBus:
        return self._board.bus

    def case_pressed(self, tick: int) -> bool:
        """The lid's button, at the time of a tick."""
        return self._board.case_switch.pressed(self._board.oscillator.time_s(self._first_cycle + tick))

    def hall_on(self, tick: int) -> bool:  # noqa: ARG002 -- a switch without memory of when
        """The Hall switch as it is now."""
        return self._board.hall_switch.on

    def valve_closed(self) -> bool:
        """The valve's end switch as it is now."""
        return self._board.valve_closed

    def ambient_temp_c(self) -> float:
        """The processor's thermometer."""
        return self._board.thermometer.measured_c(self._board.ambient_temp_c)
