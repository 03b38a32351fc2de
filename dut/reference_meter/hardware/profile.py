"""The true profile factor k(Re): velocity that the sound sees over the mean velocity in the throat.

Shape as in metering.md 2.4: a laminar rise that decays with Re because the throat is far too short for a developed
profile, a transition between Re 2000 and 4000 with a ripple of the unit's own, and a turbulent power law.

Two choices differ from the proposal there. The beam fills 0.95 of the bore, and k is divided by a constant, so that
the true sensitivity d(dt)/dQ equals S = 2L/(A c^2), that of k = 1, at the developed low-flow profile of Re 70. A unit
whose differential time is off by ``zero_offset_ps`` is promised to read ``100 offset / (S Q)`` percent too much
(metering.md 2.2). The offset bites at Q1 of R1600, where Re lies between 30 and 150; a narrower beam without the
constant would make the sensitivity 1.2 S there and the unit would show a sixth less than promised. What a small offset
adds to the flow is offset over d(dt)/dQ, hence the slope of Re k(Re) is set, not k itself. The promise then holds
within 1.5 % of the offset's part at 20 degC, within 3 % of it at 0.1 and 50 degC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from meterbench.dut.reference_meter.array_types import Array, Numbers

BEAM_FRACTION = 0.95
BEAM_FRACTION_SD = 0.002
"""[design] Spread over units: transducers and reflectors sit a little differently."""
LAMINAR_DECAY_RE = 150.0
TRANSITION_RE = (2000.0, 4000.0)
UNITY_RE = 70.0
RIPPLE_SD = 0.003
"""Standard deviation, over units and the transition band, of a unit's own ripple (metering.md 2.4)."""
RIPPLE_TERMS = 4

_LOWEST_LN_RE, _LN_RE_STEP, _POINTS = math.log(0.1), 0.002, 8061
"""k is drawn up once for a unit in steps of 0.2 % in Re up to 1e6, then read from the table: to 1e-6."""
_LN_RE = _LOWEST_LN_RE + _LN_RE_STEP * np.arange(_POINTS)


@dataclass(frozen=True, slots=True)
class Profile:
    """One unit's k(Re); ``ripple`` holds the amplitudes of the cosine and sine terms of its transition."""

    ripple: tuple[float, ...] = (0.0,) * RIPPLE_TERMS
    beam_fraction: float = BEAM_FRACTION
    _table: Array = field(init=False, repr=False, compare=False)
    _entries: tuple[float, ...] = field(init=False, repr=False, compare=False)
    """The same, for single numbers."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_table", _tabulate(self.ripple, self.beam_fraction))
        object.__setattr__(self, "_entries", tuple(self._table.tolist()))

    def factor(self, reynolds: Numbers) -> Numbers:
        """k at this Reynolds number of the throat, in either direction of the flow."""
        if isinstance(reynolds, np.ndarray):
            many: Array = np.interp(np.log(np.maximum(np.abs(reynolds), 0.1)), _LN_RE, self._table)
            return many
        place = (math.log(max(abs(reynolds), 0.1)) - _LOWEST_LN_RE) / _LN_RE_STEP
        entry = min(int(place), _POINTS - 2)
        low = self._entries[entry]
        return low + (self._entries[entry + 1] - low) * min(place - entry, 1.0)


def draw_profile(rng: np.random.Generator) -> Profile:
    """A unit's profile. Four terms under a sin^2 window (mean square 3/8, half of it a term) give ``RIPPLE_SD``."""
    amplitude = RIPPLE_SD / math.sqrt(RIPPLE_TERMS * 0.5 * 3.0 / 8.0)
    ripple = tuple(float(draw) for draw in rng.normal(0.0, amplitude, RIPPLE_TERMS))
    return Profile(ripple, float(rng.normal(BEAM_FRACTION, BEAM_FRACTION_SD)))


def _tabulate(ripple: tuple[float, ...], beam_fraction: float) -> Array:
    low_re, high_re = TRANSITION_RE
    reynolds = np.exp(_LN_RE)
    x = np.clip(np.log(reynolds / low_re) / math.log(high_re / low_re), 0.0, 1.0)
    step = x * x * (3.0 - 2.0 * x)
    waves = np.zeros_like(x)
    for term in range(0, RIPPLE_TERMS, 2):
        angle = math.pi * (term + 2) * x
        waves += ripple[term] * np.cos(angle) + ripple[term + 1] * np.sin(angle)
    k: Array = (1.0 - step) * _laminar(reynolds, beam_fraction) + step * _turbulent(reynolds, beam_fraction)
    k += np.sin(math.pi * x) ** 2 * waves
    return k / _UNITY


def _laminar(reynolds: Array, beam_fraction: float) -> Array:
    """Axial beam of radius a R in a parabolic profile: 2 - a^2, fading as the profile does (metering.md 2.4)."""
    return 1.0 + (1.0 - beam_fraction**2) / (1.0 + reynolds / LAMINAR_DECAY_RE)


def _turbulent(reynolds: Array, beam_fraction: float) -> Array:
    """Axial beam of radius a R in a power-law profile v ~ (1 - r/R)^(1/n) (metering.md 2.4).

    1/n = 0.25 - 0.023 log10 Re follows the usual exponents: 6 at Re 4000, 7 to 7.5 at 1e5, 8 at 3e5.
    """
    n = 1.0 / (0.25 - 0.023 * np.log10(reynolds))
    rest = 1.0 - beam_fraction
    in_beam = n / (n + 1) * (1 - rest ** ((n + 1) / n)) - n / (2 * n + 1) * (1 - rest ** ((2 * n + 1) / n))
    mean = 2 * n * n / ((n + 1) * (2 * n + 1))
    turbulent: Array = 2.0 * in_beam / beam_fraction**2 / mean
    return turbulent


_UNITY = 1.0 + (1.0 - BEAM_FRACTION**2) / (1.0 + UNITY_RE / LAMINAR_DECAY_RE) ** 2
"""d(Re k)/dRe of the laminar shape at ``UNITY_RE``."""
