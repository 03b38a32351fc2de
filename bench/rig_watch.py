"""What runs beside every sequence: the heartbeat to the PLC, the interlocks, samples of the rig's process values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from meterbench.bench.interlocks import (
    ChamberInterlock,
    DryRun,
    Latch,
    SupplyInterlock,
    lost,
    rig_interlocks,
)
from meterbench.bench.process_values import chamber_values, rig_values, source_of
from meterbench.bench.traces import NoTraces, Sink
from meterbench.errors import BenchError, InterlockTripped
from meterbench.instruments.capabilities import FlowRig, RigStatus
from meterbench.world.clock import Clock, Job

T = TypeVar("T")

PERIOD_S = 0.5
"""At least 2 Hz, so that the PLC's watchdog of 3 s never sees a living bench as dead."""
VIRTUAL_PERIOD_S, VIRTUAL_PART = 2.0, 5.0
"""Where only a sleep moves the clock no wall second is lost between two beats: the rig's sensors are looked at every
two seconds, what acts beside the rig ``VIRTUAL_PART`` times as seldom as at a real bench (docs/decisions/0032)."""
STEADY_PERIOD_S = 5.0
"""Between samples in steady stretches of virtual time; more in long ones (``world.clock``)."""
LOOKS = 2
"""A look that fails is repeated once: a frame that broke is no lost link. More would outlast the PLC's watchdog."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The rig at one moment of the station's clock."""

    at_s: float
    status: RigStatus


class RigWatch:
    """Beats and looks at a fixed rate on the clock; trips the latch, which raises in whatever waits."""

    def __init__(
        self, rig: FlowRig, clock: Clock, latch: Latch, others: Sequence[ChamberInterlock | SupplyInterlock] = ()
    ) -> None:
        """``others`` are the instruments that act beside the rig and say how they are."""
        self.latch = latch
        self.sink: Sink = NoTraces()
        """Where samples are kept for good."""
        self._rig = rig
        self._clock = clock
        self._others = others
        self._jobs: list[Job] = []
        self._samples: list[Sample] = []
        self._dry_run = DryRun()
        self._interlocks = rig_interlocks(self._dry_run, clock.speed)

    def start(self) -> None:
        """Look at everything once, then at each period."""
        self.stop()
        self._interlocks = rig_interlocks(self._dry_run, self._clock.speed)
        self.look()
        virtual = self._clock.speed is None
        period_s, part = (VIRTUAL_PERIOD_S, VIRTUAL_PART) if virtual else (PERIOD_S, 1.0)
        self._jobs.append(self._clock.every(period_s, self.look, steady_period_s=STEADY_PERIOD_S, vital=True))
        for other in self._others:
            look = self._look_at(other)
            self._clock.run_vital_jobs()
            look()
            self._jobs.append(self._clock.every(part * other.period_s, look, steady_period_s=other.steady_period_s))

    def stop(self) -> None:
        """Stop looking; safe to call twice."""
        for job in self._jobs:
            job.cancel()
        self._jobs.clear()

    def ask_flow(self, flow_l_h: float) -> None:
        """The bench asks the rig for ``flow_l_h`` (0: none): from now on it must come."""
        self._dry_run.ask(self._clock.now_s(), flow_l_h)

    def look(self) -> RigStatus:
        """Beat, read the rig, keep the sample; ``InterlockTripped`` if it is, or ever was, not safe to go on."""
        self.latch.check()
        status = self._answered("rig", self._beat_and_read)
        at_s = self._clock.now_s()
        self._samples.append(Sample(at_s, status))
        try:
            self.sink.keep("rig", rig_values(status))
        finally:  # a disk that is full hides no alarm
            for interlock in self._interlocks:
                if cause := interlock.cause(at_s, status):
                    self.latch.trip(cause)
        return status

    def since(self, start_s: float) -> Sequence[Sample]:
        """The samples taken at or after ``start_s``, oldest first."""
        return [sample for sample in self._samples if sample.at_s >= start_s]

    def forget(self) -> None:
        """Drop the samples so far: they belong to a step that is done."""
        self._samples.clear()

    def _beat_and_read(self) -> RigStatus:
        self._rig.beat()
        return self._rig.status()

    def _look_at(self, other: ChamberInterlock | SupplyInterlock) -> Callable[[], None]:
        def look() -> None:
            self.latch.check()
            cause = self._answered(other.device, other.cause)
            try:
                if isinstance(other, ChamberInterlock) and other.seen is not None:
                    self.sink.keep(source_of(other.device), chamber_values(other.seen))
            finally:
                if cause:
                    self.latch.trip(cause)

        return look

    def _answered(self, device: str, ask: Callable[[], T]) -> T:
        for look in range(1, LOOKS + 1):
            try:
                return ask()
            except InterlockTripped as error:
                self.latch.trip(str(error))
            except BenchError as error:
                if look == LOOKS:
                    self.latch.trip(lost(device, error))
            self._clock.run_vital_jobs()  # of another instrument: it may have waited long for an answer
        raise AssertionError("a latch that tripped raises")
