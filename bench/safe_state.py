"""The safe state of a station: every instrument that acts, in order, each guarded and with a time limit of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

from meterbench.errors import BenchError, InstrumentError
from meterbench.instruments.capabilities import Actor, FlowRig, Instrument, RigStatus
from meterbench.world.clock import Clock

REST_DEADLINE_S = 5.0
"""The water may take so long to come to rest after the controlled stop."""
REST_POLL_S = 0.2
STILL_L_H = 0.5
"""Below this a line counts as still."""
ATTEMPTS = 2
"""An action that fails is tried once more: a frame that broke must not leave an output on."""
WATCHDOG = "the PLC's own watchdog stops the rig within 3 s"


@dataclass(frozen=True, slots=True)
class SafeStep:
    """What is done to the instruments of a role; those of one role act at the same time."""

    role: str
    action: str
    limit_s: float
    """Wall time after which the next step begins, whether this one was confirmed or not."""
    reason: str


ORDER = (
    SafeStep(
        "rig", "controlled stop", 9.0, "water does most harm: flow down, diverter to the return, heater, pump off"
    ),
    SafeStep("chamber", "idle", 3.0, "heats and cools with kilowatts"),
    SafeStep("supply", "output off", 3.0, "only after the water: a meter is fed until its flow has ended"),
    SafeStep("aux_supply", "output off", 3.0, "what stands beside the meter"),
    SafeStep("rtd", "output open", 3.0, "drives nothing but a reading"),
)
"""The rig first, then by the power that is behind it (instruments.md 9: flow ramps down before anything closes)."""
ANY_OTHER = SafeStep("", "safe state", 3.0, "whatever acts has a safe state, whether this table knows its role or not")


@dataclass(frozen=True, slots=True)
class SafeAction:
    """What was done to one instrument."""

    device: str
    action: str
    started_s: float
    """By the station's clock."""
    took_s: float
    confirmed: bool
    complaint: str
    """Why it is not confirmed; empty if it is."""


@runtime_checkable
class Releasable(Protocol):
    """A rig that can be handed back: its PLC then waits for no heartbeat any more."""

    def release_remote(self) -> None:
        """Give the control back; only for a rig at rest."""


class RigAtRest:
    """The rig as an ``Actor``: the controlled stop, then a look until the water has come to rest, then hand it back."""

    def __init__(self, rig: FlowRig, clock: Clock) -> None:
        self._rig = rig
        self._clock = clock

    def make_safe(self) -> None:
        """``InstrumentError`` if water still flows some time after the stop; what the link raises comes out."""
        try:
            self._rig.controlled_stop()
            end_s = self._clock.now_s() + REST_DEADLINE_S
            while not still(self._rig.status()):
                if self._clock.now_s() > end_s:
                    raise InstrumentError(
                        f"{self._rig.role}: water still flows {REST_DEADLINE_S:g} s after the controlled stop"
                    )
                self._rig.beat()  # a stop that is under way needs no second one by the watchdog
                self._clock.sleep(REST_POLL_S)
        except BenchError as error:
            # Not handed back: the PLC goes on waiting for a heartbeat that does not come.
            raise InstrumentError(f"{error} ({WATCHDOG})") from error
        if isinstance(self._rig, Releasable):
            self._rig.release_remote()


class _Attempt:
    """One instrument on its way to its safe state, in a thread of its own: a link that hangs holds up nobody else."""

    def __init__(self, device: str, step: SafeStep, actor: Actor, clock: Clock) -> None:
        self._device = device
        self._step = step
        self._actor = actor
        self._clock = clock
        self._started_s = clock.now_s()
        self._result: SafeAction | None = None
        self._thread = threading.Thread(target=self._act, name=f"safe state of {device}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # an interpreter on its way out starts no threads any more
            self._act()

    def result(self, within_s: float) -> SafeAction:
        """What came of it; a complaint if nothing did within ``within_s`` of wall time."""
        if self._thread.is_alive():
            self._thread.join(within_s)
        late = f"{self._device}: {self._step.action} not confirmed within {self._step.limit_s:g} s; do it by hand"
        return self._result or self._outcome(late)

    def _act(self) -> None:
        complaint = ""
        for _ in range(ATTEMPTS):
            try:
                self._actor.make_safe()
            except BenchError as error:
                complaint = str(error)
            except Exception as error:
                complaint = f"{self._device}: unexpected {type(error).__name__}: {error}"
            else:
                complaint = ""
                break
        self._result = self._outcome(complaint)

    def _outcome(self, complaint: str) -> SafeAction:
        took_s = self._clock.now_s() - self._started_s
        return SafeAction(self._device, self._step.action, self._started_s, took_s, not complaint, complaint)


def make_all_safe(instruments: Mapping[str, Sequence[Instrument]], clock: Clock) -> list[SafeAction]:
    """Bring every instrument that acts to its safe state, in ``ORDER``, whatever happens to the others.

    ``instruments`` by role. Safe to call twice, and while somebody asks to stop; takes at most the sum of the limits.
    """
    done: list[SafeAction] = []
    with clock.shield():
        for step, actors in _in_order(instruments, clock):
            deadline_s = time.monotonic() + step.limit_s
            attempts = [_Attempt(device, step, actor, clock) for device, actor in actors]
            done += [attempt.result(max(0.0, deadline_s - time.monotonic())) for attempt in attempts]
    return done


def still(status: RigStatus) -> bool:
    """Pump off, and no water running in any line."""
    return status.pump_speed_percent == 0.0 and all(flow <= STILL_L_H for flow in status.flow_l_h.values())


def _in_order(
    instruments: Mapping[str, Sequence[Instrument]], clock: Clock
) -> list[tuple[SafeStep, list[tuple[str, Actor]]]]:
    known = {step.role for step in ORDER}
    others = [each for role, of_role in instruments.items() if role not in known for each in of_role]
    plan = []
    for step, of_step in [*((step, instruments.get(step.role, ())) for step in ORDER), (ANY_OTHER, others)]:
        actors: list[tuple[str, Actor]] = []
        for instrument in of_step:
            if step.role == "rig":
                actors.append((instrument.role, RigAtRest(cast(FlowRig, instrument), clock)))
            elif isinstance(instrument, Actor):
                actors.append((instrument.role, instrument))
        if actors:
            plan.append((step, actors))
    return plan
