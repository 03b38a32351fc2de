"""The station file: what stands in the laboratory, what is clamped in the line, and, if simulated, what the truth is.

Unknown keys, impossible values and missing roles are refused with the key's path and the allowed values.
The keys are explained in ``docs/reference/station-file.md``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from meterbench.bench.certificate import (
    CORRECTED,
    CalibrationPoint,
    Certificate,
    IntermediateCheck,
    check_credible,
    read_error,
    read_shown,
    read_uncertainty,
)
from meterbench.bench.cross_check import Allowances
from meterbench.bench.uncertainty import ReferenceData
from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import RATIOS, rating
from meterbench.errors import BenchError, CalibrationError, ConfigError
from meterbench.instruments.drivers import checked_settings, drivers_for
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.roles import REQUIRED, ROLES
from meterbench.instruments.thermometer.pt100 import PlatinumProbe

T = TypeVar("T")

VIRTUAL_ADDRESS = "virtual"
"""Stands for the address of the virtual lab's own simulator of that role; ``virtual+pty`` asks for another wire."""
WIRES = ("tcp", "pty", "rfc2217", "hislip", "rtu-tcp")
"""Wires that a simulator may be asked for, where the driver has them."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StationSection(_Section):
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


class MeterSection(_Section):
    """``[[meters]]``: a meter in the line, as its nameplate says."""

    serial: Annotated[str, Field(min_length=1, max_length=40)]
    designation: str
    q3_m3_h: Decimal
    ratio: int
    pulse_volume_ml: Annotated[float, Field(gt=0, le=1000)] = 0.1

    @model_validator(mode="after")
    def _exists(self) -> MeterSection:
        self.nameplate()
        return self

    def nameplate(self) -> Nameplate:
        """The meter as the bench knows it."""
        try:
            designation = Designation.parse(self.designation)
            made = rating(designation, self.q3_m3_h, self.ratio)
            return Nameplate(self.serial, designation, made, self.pulse_volume_ml)
        except ConfigError as error:
            raise ValueError(str(error)) from None


class TruthSection(_Section):
    """``[virtual.meters.truth]``: what the unit really is; the bench must find it out."""

    zero_offset_ps: Annotated[float, Field(ge=-1e5, le=1e5)] = 0.0
    gain_percent: Annotated[float, Field(gt=-100, le=100)] = 0.0
    noise_ps: Annotated[float, Field(ge=0, le=1e5)] = 35.0
    zero_slope_ps_k: Annotated[float, Field(ge=-100, le=100)] = 0.0
    amplitude_loss_percent: Annotated[float, Field(ge=0, le=90)] = 0.0
    mismatch_db: Annotated[float, Field(ge=-20, le=20)] = 0.0
    water_leak_l_h: Annotated[float, Field(ge=0, le=1000)] = 0.0


class VirtualMeterSection(MeterSection):
    """``[[virtual.meters]]``: a simulated meter."""

    sensor: Literal["none", "pt1000", "pressure"] = "none"
    truth: TruthSection = TruthSection()


class FaultSection(_Section):
    """``[[virtual.faults.ROLE]]``: something that a simulator does wrong on the wire."""

    kind: FaultKind
    after: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=-1)] = 1
    delay_s: Annotated[float, Field(ge=0, le=60)] = 0.5
    drift_percent_h: Annotated[float, Field(ge=-1000, le=1000)] = 1.0

    def fault(self) -> Fault:
        """For the simulator."""
        return Fault(self.kind, self.after, self.count, self.delay_s, self.drift_percent_h)


class VirtualSection(_Section):
    """``[virtual]``: present only where the world is simulated."""

    seed: Annotated[int, Field(ge=0)] = 1
    water_temp_c: Annotated[float, Field(ge=0.1, le=60)] = 20.0
    ambient_temp_c: Annotated[float, Field(ge=-25, le=70)] = 20.0
    supply_pressure_mpa: Annotated[float, Field(ge=0.03, le=1.6)] = 0.4
    flow_noise_percent: Annotated[float, Field(ge=0, le=50)] = 0.15
    meters: Annotated[list[VirtualMeterSection], Field(min_length=1)]
    faults: dict[str, list[FaultSection]] = {}

    @model_validator(mode="after")
    def _faults_have_roles(self) -> VirtualSection:
        for role in self.faults:
            if role not in ROLES:
                raise ValueError(f"faults.{role}: no such role; allowed: {', '.join(ROLES)}")
        return self


Quantity = float | str
"""A number in the unit of the role, or text with a unit."""


class PointSection(_Section):
    """One of ``points``: a line of the certificate."""

    at: Quantity
    error: Quantity
    expanded_uncertainty: Quantity


class CheckSection(_Section):
    """One of ``checks``: what the laboratory's own check standard showed."""

    on: Annotated[date, Field(alias="date")]
    error: Quantity


Serial = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""As the instrument tells it."""


class CalibrationSection(_Section):
    """``calibration = { certificate = ..., due = ..., expanded_uncertainty = ... }``, or with ``points``."""

    certificate: Annotated[str, Field(min_length=1)]
    serial: Serial | Annotated[list[Serial], Field(min_length=1)] | None = None
    """Of the instrument that it is of, or of all that it covers."""
    issued_by: str = ""
    issued: Annotated[date | None, Field(alias="date")] = None
    due: date
    coverage_factor: Annotated[float, Field(ge=1, le=5)] = 2.0
    """k of every uncertainty of this certificate."""
    expanded_uncertainty: str | None = None
    points: list[PointSection] = []
    check_every_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    check_limit: Quantity | None = None
    checks: list[CheckSection] = []

    def read(self, role: str) -> Certificate:
        """As the bench uses it; ``CalibrationError`` that begins with the key if something cannot be meant."""
        self._check_dates()
        points = self._read_points(role)
        if (self.expanded_uncertainty is None) == (not points):
            raise CalibrationError("expanded_uncertainty: give it, or points that each have their own; not both")
        to_k2 = 2.0 / self.coverage_factor
        if points:
            u = [point.expanded_uncertainty for point in points]
            expanded = max(u)
            as_written = f"{min(u):g} … {expanded:g} {ROLES[role].unit}"
        else:
            as_written = str(self.expanded_uncertainty)
            expanded = _named("expanded_uncertainty", partial(read_uncertainty, role, as_written)) * to_k2
            if self.coverage_factor != 2.0:
                as_written = f"{expanded:g} {ROLES[role].unit}"
        limit = None
        if self.check_limit is not None:
            limit = _named("check_limit", partial(read_error, role, self.check_limit))
            if not limit > 0.0:
                raise CalibrationError(f"check_limit: {self.check_limit!r} is not positive")
        checks = tuple(
            IntermediateCheck(check.on, _named(f"checks[{number}].error", partial(read_error, role, check.error)))
            for number, check in enumerate(self.checks)
        )
        return Certificate(
            number=self.certificate,
            due=self.due,
            expanded_uncertainty=expanded,
            as_written=as_written,
            unit=ROLES[role].unit,
            issued_by=self.issued_by,
            issued=self.issued,
            serials=self._serials(),
            points=points,
            checks=checks,
            check_every_days=self.check_every_days,
            check_limit=limit,
        )

    def _serials(self) -> tuple[str, ...]:
        if self.serial is None:
            return ()
        return (self.serial,) if isinstance(self.serial, str) else tuple(self.serial)

    def _check_dates(self) -> None:
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # it is tomorrow already east of Greenwich
        if self.issued is not None and self.issued > tomorrow:
            raise CalibrationError(f"date: {self.issued} is in the future")
        if self.issued is not None and self.issued > self.due:
            raise CalibrationError(f"due: {self.due} is before the certificate's date {self.issued}")
        if self.checks and self.check_limit is None:
            raise CalibrationError("check_limit: missing; the largest error that a check may show")
        if self.check_every_days is not None and self.check_limit is None:
            raise CalibrationError("check_limit: missing; check_every_days asks for checks")
        if self.check_every_days is not None and self.issued is None and not self.checks:
            raise CalibrationError("date: missing; the time until the first check runs from the certificate's date")
        before = self.issued
        for number, check in enumerate(self.checks):
            key = f"checks[{number}].date"
            if check.on > tomorrow:
                raise CalibrationError(f"{key}: {check.on} is in the future")
            if before is not None and check.on < before:
                raise CalibrationError(f"{key}: {check.on} is before {before}; give the checks since the calibration")
            before = check.on

    def _read_points(self, role: str) -> tuple[CalibrationPoint, ...]:
        if not self.points:
            return ()
        if role not in CORRECTED:
            raise CalibrationError(f"points: nothing that the {role} says is corrected; give expanded_uncertainty")
        if len(self.points) < 2:
            raise CalibrationError("points: one point covers no range; give two at least")
        found: list[CalibrationPoint] = []
        largest, unit = CORRECTED[role].largest_error, ROLES[role].unit
        for number, point in enumerate(self.points):
            key = f"points[{number}]"
            at = _named(f"{key}.at", partial(read_shown, role, point.at))
            error = _named(f"{key}.error", partial(read_error, role, point.error))
            u = _named(f"{key}.expanded_uncertainty", partial(read_error, role, point.expanded_uncertainty))
            if found and not at > found[-1].at:
                raise CalibrationError(f"{key}.at: {at:g} does not rise above the {found[-1].at:g} before it")
            if abs(error) > largest:
                raise CalibrationError(
                    f"{key}.error: {error:g} {unit} is beyond reason for a {role}; at most {largest:g}"
                )
            if not u > 0.0:
                raise CalibrationError(f"{key}.expanded_uncertainty: {u:g} {unit} is not positive")
            _named(f"{key}.expanded_uncertainty", partial(check_credible, role, u))
            found.append(CalibrationPoint(at, error, u * 2.0 / self.coverage_factor))
        return tuple(found)


def _named(key: str, read: Callable[[], T]) -> T:
    """What ``read`` reads; what it refuses, with the key."""
    try:
        return read()
    except CalibrationError as error:
        raise CalibrationError(f"{key}: {error}") from None


class CrossCheckSection(_Section):
    """``[cross_checks]``: what two good instruments may differ by beyond their certificates."""

    master_percent: Annotated[float, Field(ge=0, le=5)] = 0.3
    master_step_l: Annotated[float, Field(ge=0, le=10)] = 0.05
    water_temp_k: Annotated[float, Field(ge=0, le=5)] = 0.3
    pressure_kpa: Annotated[float, Field(ge=0, le=200)] = 10.0
    chamber_k: Annotated[float, Field(ge=0, le=10)] = 1.0

    def allowances(self) -> Allowances:
        """As the comparisons take them."""
        return Allowances(**self.model_dump())


class InstrumentSection(_Section):
    """``[instruments.ROLE]``."""

    driver: str
    address: str | list[str] = VIRTUAL_ADDRESS
    settings: dict[str, Any] = {}
    """What the driver takes beside the address; ``docs/reference/instruments.md`` lists them."""
    calibration: CalibrationSection | None = None

    @property
    def addresses(self) -> list[str]:
        """One, or one a slot."""
        return [self.address] if isinstance(self.address, str) else self.address

    def virtual_wires(self, slots: int) -> list[str]:
        """The wire of each simulator, for ``slots`` slots: one address stands for all of them, a list for the first."""
        wires = [address.partition("+")[2] for address in self.addresses]
        return wires * slots if isinstance(self.address, str) else wires[:slots]

    def in_slots(self, slots: int) -> int:
        """How many there are in ``slots`` slots, of a role that has one a slot."""
        return slots if self.simulated and isinstance(self.address, str) else min(len(self.addresses), slots)

    @property
    def simulated(self) -> bool:
        """True if the virtual lab provides it."""
        return any(address.partition("+")[0] == VIRTUAL_ADDRESS for address in self.addresses)


class ProbeSection(_Section):
    """``[station.probe]``-like data of the platinum probe, by its certificate (IEC 60751 form)."""

    r0_ohm: Annotated[float, Field(ge=10, le=2000)] = 100.0
    a: Annotated[float, Field(ge=3e-3, le=5e-3)] = 3.9083e-3
    b: Annotated[float, Field(ge=-1e-6, le=0)] = -5.775e-7
    c: Annotated[float, Field(ge=-1e-10, le=1e-10)] = -4.183e-12

    def platinum(self) -> PlatinumProbe:
        """As the bench converts with it."""
        return PlatinumProbe(self.r0_ohm, self.a, self.b, self.c)


class ThermometerSection(InstrumentSection):
    """``[instruments.thermometer]``."""

    probe: ProbeSection = ProbeSection()


class InstrumentsSection(_Section):
    """``[instruments]``: one entry a role."""

    rig: InstrumentSection
    balance: InstrumentSection
    thermometer: ThermometerSection
    counter: InstrumentSection
    master_a: InstrumentSection | None = None
    master_b: InstrumentSection | None = None
    master_c: InstrumentSection | None = None
    pressure: InstrumentSection | None = None
    chamber: InstrumentSection | None = None
    chamber_probe: ThermometerSection | None = None
    supply: InstrumentSection | None = None
    aux_supply: InstrumentSection | None = None
    rtd: InstrumentSection | None = None
    analyser: InstrumentSection | None = None
    scanner: InstrumentSection | None = None
    operator: InstrumentSection | None = None

    @model_validator(mode="after")
    def _drivers_fit(self) -> InstrumentsSection:
        for role, section in self.by_role().items():
            if section.driver not in drivers_for(role):
                raise ValueError(
                    f"{role}.driver: {section.driver!r} cannot be the {role}; allowed: {', '.join(drivers_for(role))}"
                )
            _complain_as(f"{role}", partial(checked_settings, section.driver, section.settings))
            if section.calibration is not None:
                _complain_as(f"{role}.calibration", partial(section.calibration.read, role))
        return self

    def by_role(self) -> dict[str, InstrumentSection]:
        """The sections that the file has, in the order of ``ROLES``."""
        sections = {role: getattr(self, role) for role in ROLES}
        return {role: section for role, section in sections.items() if section is not None}


def _complain_as(key: str, check: Callable[[], object]) -> None:
    """What ``check`` refuses as a complaint about ``key``."""
    try:
        check()
    except BenchError as error:
        separator = "." if isinstance(error, CalibrationError) or str(error).startswith("settings") else ": "
        raise ValueError(f"{key}{separator}{error}") from None


class StationFile(_Section):
    """The whole file."""

    format: Annotated[Literal[1], Field(alias="schema")]
    station: StationSection
    virtual: VirtualSection | None = None
    meters: list[MeterSection] = []
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
        if virtual and role == "operator":
            raise ValueError(f'{where}: nobody simulates a person; give "console", or the file of the answers')
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
            wires = [_wire_like(address) for address in section.addresses]
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


def _wire_like(address: str) -> str:
    """The virtual laboratory's address with a wire of the kind that ``address`` has; what is no wire stays."""
    if "::hislip" in address:
        return f"{VIRTUAL_ADDRESS}+hislip"
    for scheme, wire in (("rtu-tcp://", "rtu-tcp"), ("rfc2217://", "rfc2217"), ("rtu:///dev", "pty"), ("/dev/", "pty")):
        if address.startswith(scheme):
            return f"{VIRTUAL_ADDRESS}+{wire}"
    return VIRTUAL_ADDRESS if "://" in address or "::" in address else address


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
    if isinstance(annotation, type) and issubclass(annotation, _Section):
        return annotation
    found = (_section_of(part) for part in getattr(annotation, "__args__", ()))
    return next((section for section in found if section is not None), None)


__all__ = ["STANDARD_INSTRUMENTS", "VIRTUAL_ADDRESS", "StationFile", "load", "parse"]
