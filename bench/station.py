"""The station file: what stands in the laboratory, what is clamped in the line, and, if simulated, what the truth is.

Unknown keys, impossible values and missing roles are refused with the key's path and the allowed values.
The keys are explained in ``docs/reference/station-file.md``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from meterbench.bench.certificate import Certificate
from meterbench.bench.instrument_sections import (
    VIRTUAL_ADDRESS,
    WIRES,
    CrossCheckSection,
    InstrumentSection,
    InstrumentsSection,
    wire_like,
)
from meterbench.bench.line_sections import FaultSection, MeterSection, TypeSection, VirtualSection
from meterbench.bench.station_section import Section
from meterbench.bench.uncertainty import ReferenceData
from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import RATIOS
from meterbench.errors import ConfigError
from meterbench.instruments.drivers import WITHOUT_A_WIRE, drivers_for
from meterbench.instruments.roles import REQUIRED, ROLES


class StationSection(Section):
    """``[station]``."""

    name: Annotated[str, Field(min_length=1)]
    clock: Literal["virtual", "wall"] | None = None
    """Virtual where the world is simulated, wall otherwise, unless the file says so."""
    air_pressure_hpa: Annotated[float, Field(ge=500, le=1100)] = 1013.25
    relative_humidity_percent: Annotated[float, Field(ge=0, le=100)] = 50.0
    dead_volume_l: Annotated[float, Field(ge=0, le=100)] = 0.6
    line_compliance_ml_kpa: Annotated[float, Field(gt=0, le=100)] = 0.1
    reproducibility_percent: Annotated[float, Field(ge=0, le=5)] = 0.05
    water_density_percent: Annotated[float, Field(ge=0, le=1)] = 0.015
    cover_opening_mm2: Annotated[float, Field(ge=0, le=1e6)] = 100.0

    def assumed(self) -> list[str]:
        """The keys that results rest on and that the file leaves to their defaults: nobody has measured those."""
        return [key for key in type(self).model_fields if key not in {"name", "clock"} | self.model_fields_set]

    def reference(self) -> ReferenceData:
        """What the uncertainty budget takes from here."""
        return ReferenceData(
            dead_volume_l=self.dead_volume_l,
            line_compliance_ml_kpa=self.line_compliance_ml_kpa,
            reproducibility_percent=self.reproducibility_percent,
            water_density_percent=self.water_density_percent,
            cover_opening_m2=self.cover_opening_mm2 * 1e-6,
        )


class StationFile(Section):
    """The whole file."""

    format: Annotated[Literal[1], Field(alias="schema")]
    station: StationSection
    virtual: VirtualSection | None = None
    meters: list[MeterSection] = Field(default_factory=list)
    type: TypeSection = TypeSection()
    instruments: InstrumentsSection
    cross_checks: CrossCheckSection = CrossCheckSection()

    @model_validator(mode="after")
    def _one_line(self) -> StationFile:
        if self.virtual is None:
            if self.station.clock == "virtual":
                raise ValueError(
                    'station.clock: a real station runs on clock = "wall"; allowed without [virtual]: wall'
                )
            if not self.meters:
                raise ValueError("meters: no meter in the line; list them as [[meters]]")
            for role, section in self.instruments.by_role().items():
                if section.simulated:
                    raise ValueError(f"instruments.{role}.address: missing; there is no [virtual] lab to provide one")
        elif self.meters:
            raise ValueError("meters: a simulated station lists its meters as [[virtual.meters]]")
        serials = [meter.serial for meter in self.line()]
        twice = sorted({serial for serial in serials if serials.count(serial) > 1})
        if twice:
            raise ValueError(f"meters: serial {twice[0]} is in the line twice; each meter has its own")
        for role, section in self.instruments.by_role().items():
            self._check_addresses(role, section)
        simulated = [role for role, section in self.instruments.by_role().items() if section.simulated]
        for role in self.virtual.faults if self.virtual else ():
            if role not in simulated:
                raise ValueError(
                    f"virtual.faults.{role}: the station simulates no {role}; it has {', '.join(simulated)}"
                )
        return self

    def _check_addresses(self, role: str, section: InstrumentSection) -> None:
        where, addresses, slots = f"instruments.{role}.address", section.addresses, len(self.line())
        if not addresses or (not ROLES[role].per_slot and len(addresses) > 1):
            needed = "give one a slot, as a list" if ROLES[role].per_slot else f"a {role} has one"
            raise ValueError(f"{where}: {len(addresses)} addresses; {needed}")
        virtual = [address for address in addresses if address.partition("+")[0] == VIRTUAL_ADDRESS]
        if virtual and section.driver in WITHOUT_A_WIRE:
            raise ValueError(
                f'{where}: nobody simulates a person; give "console", or the file of the answers, or take the driver '
                "operator_panel"
            )
        if len(set(addresses)) < len(addresses) and not virtual:
            raise ValueError(f"{where}: one address stands twice; each slot has a {role} of its own")
        if virtual and len(virtual) < len(addresses):
            raise ValueError(f"{where}: either all of a {role}'s slots are simulated, or none")
        for address in virtual:
            wire = address.partition("+")[2]
            if address != VIRTUAL_ADDRESS and wire not in WIRES:
                raise ValueError(f"{where}: no wire {wire!r}; allowed: {', '.join(WIRES)}")
        for_all = virtual and isinstance(section.address, str)
        if role in REQUIRED and ROLES[role].per_slot and not for_all and len(addresses) < slots:
            raise ValueError(f"{where}: {len(addresses)} {role}s for {slots} meters; give one a slot, as a list")

    @property
    def clock(self) -> str:
        """``virtual`` or ``wall``."""
        return self.station.clock or ("virtual" if self.virtual else "wall")

    def line(self) -> list[MeterSection]:
        """The meters in the line, in order of the flow."""
        return list(self.virtual.meters) if self.virtual else self.meters

    def batch(self) -> list[Nameplate]:
        """The meters as the bench knows them: nameplates, never the truth."""
        return [meter.nameplate() for meter in self.line()]

    def instrument(self, role: str) -> InstrumentSection:
        """The section of ``role``, which the file has."""
        return self.instruments.by_role()[role]

    def certificate(self, role: str) -> Certificate | None:
        """The certificate of ``role``, if it has one."""
        calibration = self.instrument(role).calibration
        return None if calibration is None else calibration.read(role)

    def twin(self) -> StationFile:
        """The same station in a simulated laboratory: good meters with these nameplates, every instrument with its
        driver, settings and certificate, behind the same kind of wire. A simulated station is its own twin."""
        if self.virtual is not None:
            return self
        content = self.model_dump(by_alias=True, exclude_none=True)
        content["virtual"] = {"meters": content.pop("meters")}
        for role, section in self.instruments.by_role().items():
            wires = [wire_like(address) for address in section.addresses]
            content["instruments"][role]["address"] = wires if isinstance(section.address, list) else wires[0]
        return parse(content, f"the simulated twin of {self.station.name}")

    def with_line(self, designation: str | None, count: int | None, seed: int | None) -> StationFile:
        """A simulated station with other meters in its line: what ``--meter``, ``--meters`` and ``--seed`` ask for.

        ``--meter`` takes the largest Q3 and Q3/Q1 that the designation has; ``--meters`` drops meters from the end or
        adds good units like the last one. A real station's line is what its file says: ``ConfigError``.
        """
        if designation is None and count is None and seed is None:
            return self
        if self.virtual is None:
            raise ConfigError("--meter, --meters and --seed are for simulated stations; edit [[meters]] instead")
        content = self.virtual.model_dump()
        meters = content["meters"]
        if designation is not None:
            q3_m3_h, ratios = max(RATIOS[Designation.parse(designation).dn].items())
            for meter in meters:
                meter |= {"designation": designation, "q3_m3_h": q3_m3_h, "ratio": ratios[-1]}
        if count is not None:
            taken = {meter["serial"] for meter in meters}
            fresh = (str(serial) for serial in range(10000001, 10**8) if str(serial) not in taken)
            if count < 1:
                raise ConfigError(f"--meters {count}: a verification needs one meter at least")
            while len(meters) < count:
                meters.append(meters[-1] | {"serial": next(fresh), "truth": {}})
            del meters[count:]
        if seed is not None:
            content["seed"] = seed
        return parse(self.model_dump(by_alias=True) | {"virtual": content}, "the command line's options")


STANDARD_INSTRUMENTS: dict[str, Any] = {
    "rig": {"driver": "rig_plc", "calibration": {"certificate": "V-2026-001", "due": "2027-06-30",
                                                 "expanded_uncertainty": "5 ms"}},
    "balance": {"driver": "mt_sics", "calibration": {"certificate": "V-2026-002", "due": "2027-06-30",
                                                     "expanded_uncertainty": "0.3 g"}},
    "thermometer": {"driver": "keysight_34461a", "calibration": {"certificate": "V-2026-003", "due": "2027-06-30",
                                                                 "expanded_uncertainty": "0.05 K"}},
    "counter": {"driver": "keysight_53220a", "calibration": {"certificate": "V-2026-004", "due": "2027-06-30",
                                                             "expanded_uncertainty": "1 ppm"}},
}  # fmt: skip
"""What a simulated station has if its file has no ``[instruments]`` at all."""


def load(path: Path) -> StationFile:
    """Read and check a station file; ``ConfigError`` with the key's path and the allowed values."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read the station file {path}: {reason}") from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = " (a key stands twice)" if "overwrite" in str(error) else ""
        raise ConfigError(f"{path}: not TOML: {error}{hint}") from error
    if "virtual" in content:
        content.setdefault("instruments", STANDARD_INSTRUMENTS)
    return parse(content, str(path))


def parse(content: dict[str, Any], where: str) -> StationFile:
    """Check a station file's content; every complaint is named at once."""
    try:
        return StationFile.model_validate(content)
    except ValidationError as error:
        complaints = "; ".join(_complaint(dict(part)) for part in error.errors())
        raise ConfigError(f"{where}: {complaints}") from None


def _complaint(error: dict[str, Any]) -> str:
    location = tuple(part for part in error["loc"] if part not in ("str", "float", "list[str]"))
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown key; allowed: {', '.join(_keys_at(location[:-1]))}"
    if error["type"] == "missing":
        role = location[-1]
        hint = f"; allowed drivers: {', '.join(drivers_for(str(role)))}" if role in REQUIRED else ""
        return f"{path}: missing{hint}"
    return f"{path}: {message}" if path else message


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at ``location`` may have."""
    model: Any = StationFile
    for part in location:
        if isinstance(part, int) or (model is FaultSection and part in ROLES):
            continue
        names = {field.alias or name: field for name, field in model.model_fields.items()}
        if part not in names:
            return ["(none)"]
        model = _section_of(names[part].annotation)
        if model is None:
            return ["(none)"]
    return [field.alias or name for name, field in model.model_fields.items()]


def _section_of(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    found = (_section_of(part) for part in getattr(annotation, "__args__", ()))
    return next((section for section in found if section is not None), None)


__all__ = ["STANDARD_INSTRUMENTS", "VIRTUAL_ADDRESS", "StationFile", "load", "parse"]
