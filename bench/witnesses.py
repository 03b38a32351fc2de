"""Instruments that no result rests on, but that see what others see: read around a collection, and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from meterbench.bench import cross_check
from meterbench.bench.certificate import Certificate
from meterbench.bench.collection import Collected, ExtraReading
from meterbench.bench.corrections import Corrections
from meterbench.bench.cross_check import Allowances, Comparison, MasterVolume
from meterbench.bench.rig_watch import Sample
from meterbench.bench.safe_state import STILL_L_H
from meterbench.instruments.capabilities import (
    ClimateChamber,
    Instrument,
    MasterMeter,
    MasterReading,
    ReferencePressure,
    ResistanceThermometer,
)
from meterbench.instruments.thermometer.pt100 import PlatinumProbe

MASTER_OF_LINE = {"A": "master_a", "B": "master_b", "C": "master_c"}
"""The flow meter that stands in each line of the rig."""
WITNESSES = (*MASTER_OF_LINE.values(), "pressure", "chamber_probe")
"""The roles that only see what others see."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the witnesses showed at one moment."""

    masters: Mapping[str, MasterReading] = field(default_factory=dict)
    """By role."""
    pressure_kpa: float | None = None
    chamber_c: tuple[float, float] | None = None
    """Probe beside the meter, and the chamber's own sensor; None without both, or while the chamber is off."""


class Witnesses:
    """The instruments of a station that witness. One without a certificate does not: nobody knows what it is worth.

    One whose certificate has expired still does: it can only take a PASS away.
    """

    def __init__(
        self,
        instruments: Mapping[str, Sequence[Instrument]],
        certificate: Callable[[str], Certificate | None],
        allowances: Allowances,
        chamber_probe: PlatinumProbe | None,
    ) -> None:
        known = {role: found[0] for role, found in instruments.items() if certificate(role) is not None}
        self._masters = {role: cast(MasterMeter, known[role]) for role in MASTER_OF_LINE.values() if role in known}
        self._pressure = cast(ReferencePressure | None, known.get("pressure"))
        self._chamber = cast(ClimateChamber | None, next(iter(instruments.get("chamber", ())), None))
        self._chamber_thermometer = cast(ResistanceThermometer | None, known.get("chamber_probe"))
        self._chamber_probe = chamber_probe
        self._certificate = certificate
        self._allowances = allowances

    def look(self, between: Callable[[], None] = lambda: None) -> Sight:
        """Read them all, now; ``between`` is called after each: many slow ones must not stop a heart."""
        masters: dict[str, MasterReading] = {}
        for role, master in self._masters.items():
            masters[role] = master.read()
            between()
        pressure_kpa = self._pressure.pressure_kpa() if self._pressure else None
        between()
        return Sight(masters, pressure_kpa, self._chamber_temps_c())

    def compare(
        self,
        collected: Collected,
        sights: Sequence[Sight],
        probe_temps_c: Sequence[float],
        samples: Sequence[Sample],
        *,
        steady: bool,
    ) -> Collected:
        """``collected`` with what was seen before, in and after it, beside the rig's samples and the probe's readings.

        ``steady``: water ran before and after, as it does with a flying start and finish.
        """
        corrections = Corrections(self._certificate)
        found: list[Comparison] = []
        kept: list[ExtraReading] = []
        ends = (samples[0].status, samples[-1].status)
        probe_c = [corrections("thermometer", temp) for temp in (probe_temps_c[0], probe_temps_c[-1])]
        rig_c = [(end.water_temp_upstream_c + end.water_temp_downstream_c) / 2.0 for end in ends]
        probe_u_k = max(self._u("thermometer", temp) for temp in probe_c)
        found.append(cross_check.probe_against_rig(list(zip(probe_c, rig_c, strict=True)), probe_u_k, self._allowances))
        gauge_kpa = [sight.pressure_kpa for sight in (sights[0], sights[-1]) if sight.pressure_kpa is not None]
        if gauge_kpa:
            true_kpa = [corrections("pressure", reading) for reading in gauge_kpa]
            pairs = [(gauge, end.pressure_upstream_kpa) for gauge, end in zip(true_kpa, ends, strict=True)]
            u_kpa = max(self._u("pressure", reading) for reading in gauge_kpa)
            found.append(cross_check.pressure_against_rig(pairs, u_kpa, self._allowances))
            for when, shown, true in zip(("start", "end"), gauge_kpa, true_kpa, strict=True):
                kept.append(ExtraReading("pressure", f"pressure_{when}", shown, "kPa"))
                kept.append(ExtraReading("pressure", f"pressure_{when}_corrected", true, "kPa"))
        if sights[-1].chamber_c is not None:
            shown_c, chamber_c = sights[-1].chamber_c
            true_c = corrections("chamber_probe", shown_c)
            kept.append(ExtraReading("chamber_probe", "air_temperature", shown_c, "°C"))
            kept.append(ExtraReading("chamber_probe", "air_temperature_corrected", true_c, "°C"))
            kept.append(ExtraReading("chamber", "air_temperature", chamber_c, "°C"))
            found.append(
                cross_check.chamber_probe_against_chamber(
                    true_c, chamber_c, self._u("chamber_probe", shown_c), self._allowances
                )
            )
        master = self._master_volume(collected.line, sights, samples, steady, kept)
        return replace(
            collected,
            master=master,
            comparisons=tuple(found),
            extra_readings=tuple(kept),
            uncorrected=tuple(dict.fromkeys((*collected.uncorrected, *corrections.refused))),
        )

    def _master_volume(
        self,
        line: str,
        sights: Sequence[Sight],
        samples: Sequence[Sample],
        steady: bool,
        kept: list[ExtraReading],
    ) -> MasterVolume | None:
        """None where a line carried water that no flow meter saw."""
        used = (
            {line}
            if steady
            else {line}
            | {name for sample in samples for name, flow in sample.status.flow_l_h.items() if flow > STILL_L_H}
        )
        if not {MASTER_OF_LINE[name] for name in used} <= set(self._masters):
            return None
        roles = [MASTER_OF_LINE[line]] if steady else list(self._masters)
        names = {role: name for name, role in MASTER_OF_LINE.items()}
        volume_l, flow_l_h, expanded_percent = 0.0, None, 0.0
        for role in roles:
            certificate = self._certificate(role)
            if certificate is None:
                continue
            readings = [sight.masters[role] for sight in sights]
            counted_l = readings[-1].volume_l - readings[0].volume_l
            flows = [sample.status.flow_l_h[names[role]] for sample in samples]
            flows = [flow for flow in flows if flow > STILL_L_H] or flows
            corrected_l, u_percent = cross_check.master_corrected(counted_l, sum(flows) / len(flows), certificate)
            volume_l += corrected_l
            kept.append(ExtraReading(role, "totaliser_start", readings[0].volume_l, "L"))
            kept.append(ExtraReading(role, "totaliser_end", readings[-1].volume_l, "L"))
            kept.append(ExtraReading(role, "counted_volume_corrected", corrected_l, "L"))
            if steady:
                shown_l_h = sum(reading.flow_l_h for reading in readings) / len(readings)
                flow_l_h, u_percent = cross_check.master_corrected(shown_l_h, shown_l_h, certificate)
                kept.append(ExtraReading(role, "flow_mean", shown_l_h, "L/h"))
                kept.append(ExtraReading(role, "flow_mean_corrected", flow_l_h, "L/h"))
            expanded_percent = max(expanded_percent, u_percent)
        return MasterVolume(" and ".join(roles), volume_l, flow_l_h, expanded_percent)

    def _u(self, role: str, shown: float) -> float:
        certificate = self._certificate(role)
        return certificate.uncertainty_at(shown) if certificate else 0.0

    def _chamber_temps_c(self) -> tuple[float, float] | None:
        if self._chamber is None or self._chamber_thermometer is None or self._chamber_probe is None:
            return None
        status = self._chamber.status()
        if not status.running:
            return None
        return self._chamber_probe.temp_c(self._chamber_thermometer.resistance_ohm()), status.temp_c
