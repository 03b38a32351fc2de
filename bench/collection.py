"""One collected volume: what was read, and what follows from it for each meter. No instrument is touched here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from meterbench.bench.corrections import Corrections
from meterbench.bench.cross_check import Comparison, MasterVolume
from meterbench.bench.reference_volume import actual_volume_l, air_density_kg_m3, error_of_indication_percent
from meterbench.bench.rig_watch import Sample
from meterbench.dut.meter import Nameplate
from meterbench.instruments.capabilities import GateTiming


@dataclass(frozen=True, slots=True)
class Span:
    """Lowest, highest and mean of something sampled."""

    lowest: float
    highest: float
    mean: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Span:
        """Of at least one value; one that is NaN makes all three NaN (``min`` and ``max`` would pass it over)."""
        if any(math.isnan(value) for value in values):
            return cls(math.nan, math.nan, math.nan)
        return cls(min(values), max(values), sum(values) / len(values))


@dataclass(frozen=True, slots=True)
class ExtraReading:
    """Something read beside what every collection reads, for the record."""

    instrument: str
    quantity: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Collected:
    """Water of one collection, before it is assigned to meters. Temperatures degC, pressures kPa gauge."""

    line: str
    mass_start_g: float
    """As the balance showed it."""
    mass_end_g: float
    gate: GateTiming
    pulses: tuple[int, ...]
    """By slot."""
    probe_temp_c: Span
    """Corrected by the thermometer's certificate."""
    flow_l_h: Span
    """The rig's own flow meter."""
    upstream_kpa: Span
    downstream_kpa: Span
    warming_k: float
    """Water temperature after the meters less before, by the rig's sensors."""
    ambient_temp_c: float
    mass_correction_g: float = 0.0
    """What the balance's certificate adds to the difference of the two readings."""
    probe_correction_k: float = 0.0
    """What the thermometer's certificate added to the mean."""
    uncorrected: tuple[str, ...] = ()
    """Corrections that are not known, for readings beyond the points of a certificate: nothing may rest on them."""
    master: MasterVolume | None = None
    """What the flow meter of the line counted, where there is one."""
    comparisons: tuple[Comparison, ...] = ()
    """Of instruments that saw the same thing."""
    extra_readings: tuple[ExtraReading, ...] = ()

    @property
    def weighed_g(self) -> float:
        """Difference of the corrected readings."""
        return self.mass_end_g - self.mass_start_g + self.mass_correction_g


@dataclass(frozen=True, slots=True)
class MeterVolume:
    """What one meter indicated and what really passed it."""

    nameplate: Nameplate
    indicated_l: float
    actual_l: float
    water_temp_c: float
    gauge_kpa: float
    flow_l_h: float
    """Actual volume over time."""

    @property
    def error_percent(self) -> float:
        return error_of_indication_percent(self.indicated_l, self.actual_l)


def summarise(
    line: str,
    masses_g: tuple[float, float],
    gate: GateTiming,
    pulses: Sequence[int],
    probe_temps_c: Sequence[float],
    samples: Sequence[Sample],
    corrections: Corrections | None = None,
) -> Collected:
    """Gather what was read while the diverter fed the tank; at least one sample and one probe reading.

    Masses and probe temperatures are as they were read: they are corrected here.
    """
    corrections = corrections or Corrections()
    statuses = [sample.status for sample in samples]
    shown_g, masses_true_g = masses_g[1] - masses_g[0], [corrections("balance", mass) for mass in masses_g]
    shown_c = Span.of(probe_temps_c)
    probe_temp_c = Span.of([corrections("thermometer", temp) for temp in probe_temps_c])
    return Collected(
        line=line,
        mass_start_g=masses_g[0],
        mass_end_g=masses_g[1],
        gate=gate,
        pulses=tuple(pulses),
        probe_temp_c=probe_temp_c,
        flow_l_h=Span.of([status.flow_l_h[line] for status in statuses]),
        upstream_kpa=Span.of([status.pressure_upstream_kpa for status in statuses]),
        downstream_kpa=Span.of([status.pressure_downstream_kpa for status in statuses]),
        warming_k=Span.of([s.water_temp_downstream_c - s.water_temp_upstream_c for s in statuses]).mean,
        ambient_temp_c=Span.of([status.ambient_temp_c for status in statuses]).mean,
        mass_correction_g=masses_true_g[1] - masses_true_g[0] - shown_g,
        probe_correction_k=probe_temp_c.mean - shown_c.mean,
        uncorrected=corrections.refused,
    )


def assign(
    collected: Collected, batch: Sequence[Nameplate], air_pressure_hpa: float, humidity_percent: float
) -> list[MeterVolume]:
    """The actual volume at each meter, at its own temperature and pressure, beside what it indicated.

    The probe is half-way along the meters; a slot's temperature and pressure follow from its place.
    """
    air = air_density_kg_m3(collected.ambient_temp_c, air_pressure_hpa, humidity_percent)
    upstream, downstream = collected.upstream_kpa.mean, collected.downstream_kpa.mean
    volumes = []
    for slot, (nameplate, pulses) in enumerate(zip(batch, collected.pulses, strict=True)):
        place = (slot + 0.5) / len(batch)
        temp_c = collected.probe_temp_c.mean + (place - 0.5) * collected.warming_k
        gauge_kpa = upstream + place * (downstream - upstream)
        actual = actual_volume_l(
            collected.weighed_g,
            air_kg_m3=air,
            tank_temp_c=collected.probe_temp_c.mean,
            meter_temp_c=temp_c,
            meter_gauge_mpa=gauge_kpa / 1000.0,
        )
        indicated = pulses * nameplate.pulse_volume_ml / 1000.0
        volumes.append(
            MeterVolume(nameplate, indicated, actual, temp_c, gauge_kpa, 3600.0 * actual / collected.gate.duration_s)
        )
    return volumes
