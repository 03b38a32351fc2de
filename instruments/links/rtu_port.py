"""Modbus RTU over a serial port that pyserial opens, also over one behind RFC 2217."""

from __future__ import annotations

import serial
from pymodbus.client import ModbusSerialClient

from meterbench.instruments.links.pyserial_warnings import pass_over_pyserial_deprecations


class RtuPort(ModbusSerialClient):
    """pymodbus' client asks for a time-out of writing, which pyserial's RFC 2217 client does not know."""

    def connect(self) -> bool:
        """Open the port; False if it cannot be opened."""
        told = self.comm_params
        if self.socket is not None or not told.host.startswith("rfc2217:"):
            return super().connect()
        pass_over_pyserial_deprecations()
        try:
            self.socket = serial.serial_for_url(
                told.host,
                timeout=told.timeout_connect,
                baudrate=told.baudrate,
                bytesize=told.bytesize,
                parity=told.parity,
                stopbits=told.stopbits,
            )
        except (OSError, ValueError):
            return False
        return True
