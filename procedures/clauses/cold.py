"""ISO 4064-2, 8.3: cold (IEC 60068-2-1)."""

from __future__ import annotations

from meterbench.procedures.clauses.climate import measure_at_temperatures
from meterbench.procedures.trial import Trial


def cold(trial: Trial) -> None:
    """1. In air of 20 °C the error at the reference flow. 2. Cool the air by 1 K/min at the most, to -25 °C: the error
    after 2 h there. 3. Back to 20 °C: the error after recovery. Each within the MPE of the upper zone.

    Water at rest would freeze in the meter, so water of 20 °C flows all the while: electronics and batteries get cold,
    the sensor does not. The standard also allows simulated flow, or a drained sensor apart from its electronics; this
    bench measures the meter as it is used.
    """
    trial.check_tightness("before")
    measure_at_temperatures(trial)
    trial.check_tightness("after")
    trial.conclude()
