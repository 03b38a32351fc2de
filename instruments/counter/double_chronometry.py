"""Double chronometry: whole pulses become pulses with a fraction by two short times (ISO 7278-3:1998, 4.2).

A gate sees N whole pulses. The first pulse after its opening and the first after its closing are N pulses apart, and
that interval differs from the gate's own by the two times from an edge of the gate to the next pulse::

    gate      ____|=========================================|______
    pulses    __|____|____|____|____|____|____|____|____|____|____|_
                  <->                                       <->
              after_opening_s                          after_closing_s

So n' = N t_gate / t_pulses with t_pulses = t_gate - after_opening_s + after_closing_s. The pulses must be evenly spaced
around both edges: the flow is steady. The gate's time and the two short ones need not come from one clock: what a clock
that is off by a part e does to n' is e (t_pulses - t_gate) / t_gate, at most e / N.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from meterbench.errors import InstrumentError

MOST_PERIODS = 1.001
"""The two times differ by no more than one pulse; the rest is for clocks that are not quite the same."""


@dataclass(frozen=True, slots=True)
class GatedPulses:
    """What one gate let through; NaN for times that nobody measured."""

    count: int
    """Whole pulses between the gate's opening and closing."""
    after_opening_s: float = math.nan
    """From the gate's opening to the next pulse."""
    after_closing_s: float = math.nan
    """From the gate's closing to the next pulse."""

    @property
    def timed(self) -> bool:
        """True if both times are there."""
        return not math.isnan(self.after_opening_s + self.after_closing_s)

    def interpolated(self, gate_s: float) -> float:
        """Pulses with their fraction in a gate of ``gate_s``; NaN if the times are not there."""
        if not self.timed:
            return math.nan
        return interpolated_pulses(self.count, gate_s, gate_s - self.after_opening_s + self.after_closing_s)


def interpolated_pulses(count: int, gate_s: float, pulses_s: float) -> float:
    """Pulses with their fraction: ``count`` whole ones in ``gate_s``, which are ``pulses_s`` apart from first to last.

    ``InstrumentError`` if the two times cannot belong to one gate and evenly spaced pulses: they never differ by more
    than one pulse.
    """
    if count < 1:
        raise InstrumentError(f"double chronometry: {count} pulses in the gate; at least one is needed, take longer")
    if not (gate_s > 0.0 and 0.0 < pulses_s < math.inf):
        raise InstrumentError(f"double chronometry: a gate of {gate_s} s and pulses over {pulses_s} s make no sense")
    period_s = pulses_s / count
    if not abs(pulses_s - gate_s) <= MOST_PERIODS * period_s:
        raise InstrumentError(
            f"double chronometry: {count} pulses over {pulses_s:.6f} s do not fit a gate of {gate_s:.6f} s; was the "
            "flow steady, and do both counters see the same gate?"
        )
    return gate_s / period_s
