"""What simulators are served with: streams of bytes over TCP and pseudo-terminals, and registers over Modbus.

SCPI has a room of its own, ``instruments.scpi``. Everything here lives in the lab's loop and obeys a ``FaultPlan``.
"""
