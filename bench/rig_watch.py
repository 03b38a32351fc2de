"""What runs beside every sequence: the heartbeat to the PLC, the interlocks, samples of the rig's process values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meterbench.errors import InterlockTripped
from meterbench.instruments.capabilities import FlowRig, RigState, RigStatus
from meterbench.world.clock import Clock, Job

PERIOD_S = 0.5
"""At least 2 Hz, so that the PLC's watchdog of 3 s never sees a living bench as dead."""
STEADY_PERIOD_S = 5.0
"""Between samples in steady stretches of virtual time."""

SOFT_LIMIT_KPA = 1550.0
"""The bench stops before the PLC's own trip at 1 760 kPa (instruments.md 9)."""
SOFT_LIMIT_C = 52.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The rig at one moment of the station's clock."""

    at_s: float
    status: RigStatus


class RigWatch:
    """Beats and looks at a fixed rate on the clock; raises ``InterlockTripped`` in whatever is waiting."""

    def __init__(self, rig: FlowRig, clock: Clock) -> None:
        self._rig = rig
        self._clock = clock
        self._job: Job | None = None
        self._samples: list[Sample] = []

    def start(self) -> None:
        """Look once, then at every period."""
        self.look()
        self._job = self._clock.every(PERIOD_S, self.look, steady_period_s=STEADY_PERIOD_S)

    def stop(self) -> None:
        """Stop looking; safe to call twice."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def look(self) -> RigStatus:
        """Beat, read the rig, keep the sample, and raise if the rig is not safe to go on with."""
        self._rig.beat()
        status = self._rig.status()
        self._samples.append(Sample(self._clock.now_s(), status))
        if status.alarms or status.state in (RigState.FAULT, RigState.ESTOP):
            causes = ", ".join(sorted(status.alarms)) or status.state.value
            raise InterlockTripped(
                f"rig: tripped by {causes} while in use; what was running is void; remove the cause, reset the rig, "
                "then resume the run"
            )
        if status.pressure_upstream_kpa > SOFT_LIMIT_KPA:
            raise InterlockTripped(
                f"rig: {status.pressure_upstream_kpa:.0f} kPa before the meters; "
                f"the bench stops at {SOFT_LIMIT_KPA:.0f} kPa"
            )
        if status.tank_temp_c > SOFT_LIMIT_C:
            raise InterlockTripped(
                f"rig: {status.tank_temp_c:.1f} °C in the tank; the bench stops at {SOFT_LIMIT_C:.0f} °C"
            )
        return status

    def since(self, start_s: float) -> Sequence[Sample]:
        """The samples taken at or after ``start_s``, oldest first."""
        return [sample for sample in self._samples if sample.at_s >= start_s]

    def forget(self) -> None:
        """Drop the samples so far: they belong to a step that is done."""
        self._samples.clear()
