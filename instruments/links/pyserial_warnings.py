"""What pyserial warns of, and nobody here can mend."""

from __future__ import annotations

import warnings


def pass_over_pyserial_deprecations() -> None:
    """Say nothing about pyserial 3.5's RFC 2217 client, which names its thread in a deprecated way.

    Called before each port is opened: otherwise a station whose warnings are errors could not open such a port.
    """
    for method in ("setDaemon", "setName"):
        warnings.filterwarnings("ignore", rf"{method}\(\) is deprecated", DeprecationWarning, r"serial\.rfc2217")
