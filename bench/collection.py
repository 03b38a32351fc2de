"""One collected volume: what was read, and what follows from it for each meter. No instrument is touched here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
class Collected:
    """Water of one collection, before it is assigned to meters. Temperatures degC, pressures kPa gauge."""

    line: str
    mass_start_g: float
    mass_end_g: float
    gate: GateTiming
    pulses: tuple[int, ...]
    """By slot."""
    probe_temp_c: Span
    flow_l_h: Span
    """The rig's own flow meter."""
    upstream_kpa: Span
    downstream_kpa: Span
    warming_k: float
    """Water temperature after the meters less before, by the rig's sensors."""
    ambient_temp_c: float

    @property
    def weighed_g(self) -> float:
        return self.mass_end_g - self.mass_start_g


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
) -> Collected:
    """Gather what was read while the diverter fed the tank; at least one sample and one probe reading."""
    statuses = [sample.status for sample in samples]
    return Collected(
        line=line,
        mass_start_g=masses_g[0],
        mass_end_g=masses_g[1],
        gate=gate,
        pulses=tuple(pulses),
        probe_temp_c=Span.of(probe_temps_c),
        flow_l_h=Span.of([status.flow_l_h[line] for status in statuses]),
        upstream_kpa=Span.of([status.pressure_upstream_kpa for status in statuses]),
        downstream_kpa=Span.of([status.pressure_downstream_kpa for status in statuses]),
        warming_k=Span.of([s.water_temp_downstream_c - s.water_temp_upstream_c for s in statuses]).mean,
        ambient_temp_c=Span.of([status.ambient_temp_c for status in statuses]).mean,
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
