"""ISO 4064-2, 8.2: dry heat (IEC 60068-2-2)."""

from __future__ import annotations

from meterbench.procedures.clauses.climate import measure_at_temperatures
from meterbench.procedures.trial import Trial


def dry_heat(trial: Trial) -> None:
    """1. In air of 20 °C the error at the reference flow. 2. Warm the air by 1 K/min at the most, to 55 °C, and dry
    (20 g/m3): the error after 2 h there. 3. The same at 70 °C, which is the range that the maker declares beyond class
    O (OPEN-8). 4. Back to 20 °C: the error after recovery. Each within the MPE of the upper zone; the water has its
    reference temperature all the while.
    """
    trial.check_tightness("before")
    measure_at_temperatures(trial, also=lambda air, start_s: air.dry(start_s))
    trial.check_tightness("after")
    trial.conclude()
