"""What a person is asked to do where no driver can: disturbances and handling (ISO 4064-2, 8), ready to be asked."""

from __future__ import annotations

from meterbench.instruments.capabilities import OperatorTask

DONE, NOT_DONE = "done", "not done"
YES, NO = "yes", "no"
HANDLING_S = 600.0
"""Time for what takes hands, in seconds of the clock."""
DISTURBANCE_S = 1800.0
"""Time for what takes a device of its own: an ESD gun, a shaker."""


def magnet_on(asset_number: str, position: str, deadline_s: float = HANDLING_S) -> OperatorTask:
    """Put the magnet with ``asset_number`` against the meter at ``position`` (in words, for the record)."""
    return _to_do("magnet_on", f"Put magnet {asset_number} against the meter: {position}. Leave it there.", deadline_s)


def magnet_off(asset_number: str, deadline_s: float = HANDLING_S) -> OperatorTask:
    """Take the magnet with ``asset_number`` away, far from meters and bench."""
    return _to_do("magnet_off", f"Take magnet {asset_number} away, at least 1 m from every meter.", deadline_s)


def electrostatic_discharge(
    level_kv: float, point: str, *, contact: bool, discharges: int = 10, deadline_s: float = DISTURBANCE_S
) -> OperatorTask:
    """``discharges`` of ``level_kv`` (with its sign) at ``point``, by contact or through air."""
    how = "contact" if contact else "air"
    return _to_do(
        f"esd_{how}",
        f"Apply {discharges} {how} discharges of {level_kv:+g} kV at: {point}. At least 1 s between two of them.",
        deadline_s,
    )


def vibration(axis: str, programme: str, deadline_s: float = DISTURBANCE_S) -> OperatorTask:
    """Run the shaker's ``programme`` along ``axis``."""
    return _to_do("vibration", f"Run the vibration programme {programme!r} along the {axis} axis.", deadline_s)


def mount(serial: str, slot: int, deadline_s: float = HANDLING_S) -> OperatorTask:
    """Clamp the meter with ``serial`` into ``slot``."""
    return _to_do(
        "mount", f"Clamp meter {serial} into slot {slot}, arrow in the direction of the flow, and close it.", deadline_s
    )


def visual_check(question: str, deadline_s: float = HANDLING_S) -> OperatorTask:
    """Look and answer ``question``, which is put so that yes is good."""
    return OperatorTask("visual_check", question, (YES, NO), deadline_s)


def _to_do(name: str, instruction: str, deadline_s: float) -> OperatorTask:
    return OperatorTask(name, instruction, (DONE, NOT_DONE), deadline_s)
