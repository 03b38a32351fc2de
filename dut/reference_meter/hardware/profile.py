"""The true profile factor k(Re): velocity that the sound sees over the mean velocity in the throat.

Shape as in metering.md 2.4: a laminar rise that decays with Re because the throat is far too short for a developed
profile, a transition between Re 2000 and 4000 with a ripple of the unit's own, and a turbulent power law.

Two choices differ from the proposal there. The beam fills 0.95 of the bore, and k is divided by a constant, so that
the true sensitivity d(dt)/dQ equals S = 2L/(A c^2), that of k = 1, at the developed low-flow profile of Re 70. A unit
whose differential time is off by ``zero_offset_ps`` is promised to read ``100 offset / (S Q)`` percent too much
(metering.md 2.2). The offset bites at Q1 of R1600, where Re lies between 30 and 150; a narrower beam without the
constant would make the sensitivity 1.2 S there and the unit would show a sixth less than promised. What a small offset
adds to the flow is offset over d(dt)/dQ, hence the slope of Re k(Re) is set, not k itself. The promise then holds
within 1 % of the offset's part at 20 degC, within 2.5 % of it at 0.1 and 50 degC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

BEAM_FRACTION = 0.95
LAMINAR_DECAY_RE = 150.0
TRANSITION_RE = (2000.0, 4000.0)
UNITY_RE = 70.0
RIPPLE_SD = 0.003
"""Standard deviation, over units and the transition band, of a unit's own ripple (metering.md 2.4)."""
RIPPLE_TERMS = 4


@dataclass(frozen=True, slots=True)
class Profile:
    """One unit's k(Re); ``ripple`` holds the amplitudes of the cosine and sine terms of its transition."""

    ripple: tuple[float, ...] = (0.0,) * RIPPLE_TERMS

    def factor(self, reynolds: float) -> float:
        """k at this Reynolds number of the throat (0 or more)."""
        low_re, high_re = TRANSITION_RE
        if reynolds <= low_re:
            return _laminar(reynolds) / _UNITY
        if reynolds >= high_re:
            return _turbulent(reynolds) / _UNITY
        x = math.log(reynolds / low_re) / math.log(high_re / low_re)
        step = x * x * (3.0 - 2.0 * x)
        waves = 0.0
        for term in range(0, RIPPLE_TERMS, 2):
            angle = math.pi * (term + 2) * x
            waves += self.ripple[term] * math.cos(angle) + self.ripple[term + 1] * math.sin(angle)
        ripple = math.sin(math.pi * x) ** 2 * waves
        return ((1.0 - step) * _laminar(reynolds) + step * _turbulent(reynolds) + ripple) / _UNITY


def draw_profile(rng: np.random.Generator) -> Profile:
    """A unit's profile. Four terms under a sin^2 window (mean square 3/8, half of it a term) give ``RIPPLE_SD``."""
    amplitude = RIPPLE_SD / math.sqrt(RIPPLE_TERMS * 0.5 * 3.0 / 8.0)
    return Profile(tuple(float(draw) for draw in rng.normal(0.0, amplitude, RIPPLE_TERMS)))


def _laminar(reynolds: float) -> float:
    """Axial beam of radius a R in a parabolic profile: 2 - a^2, fading as the profile does (metering.md 2.4)."""
    return 1.0 + (1.0 - BEAM_FRACTION**2) / (1.0 + reynolds / LAMINAR_DECAY_RE)


def _turbulent(reynolds: float) -> float:
    """Axial beam of radius a R in a power-law profile v ~ (1 - r/R)^(1/n) (metering.md 2.4).

    1/n = 0.25 - 0.023 log10 Re follows the usual exponents: 6 at Re 4000, 7 to 7.5 at 1e5, 8 at 3e5.
    """
    n = 1.0 / (0.25 - 0.023 * math.log10(reynolds))
    rest: float = 1.0 - BEAM_FRACTION
    in_beam: float = n / (n + 1) * (1 - rest ** ((n + 1) / n)) - n / (2 * n + 1) * (1 - rest ** ((2 * n + 1) / n))
    mean = 2 * n * n / ((n + 1) * (2 * n + 1))
    return 2.0 * in_beam / BEAM_FRACTION**2 / mean


_UNITY = 1.0 + (1.0 - BEAM_FRACTION**2) / (1.0 + UNITY_RE / LAMINAR_DECAY_RE) ** 2
"""d(Re k)/dRe of the laminar shape at ``UNITY_RE``."""
