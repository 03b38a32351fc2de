"""The parts of a station file that say which instruments there are, where they answer, and what they are worth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, model_validator

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
from meterbench.bench.station_section import Section
from meterbench.errors import BenchError, CalibrationError
from meterbench.instruments.drivers import checked_settings, drivers_for
from meterbench.instruments.roles import ROLES
from meterbench.instruments.thermometer.pt100 import PlatinumProbe

T = TypeVar("T")

VIRTUAL_ADDRESS = "virtual"
"""Stands for the address of the virtual lab's own simulator of that role; ``virtual+pty`` asks for another wire."""
WIRES = ("tcp", "pty", "rfc2217", "hislip", "rtu-tcp")
"""Wires that a simulator may be asked for, where the driver has them."""


Quantity = float | str
"""A number in the unit of the role, or text with a unit."""


class PointSection(Section):
    """One of ``points``: a line of the certificate."""

    at: Quantity
    error: Quantity
    expanded_uncertainty: Quantity


class CheckSection(Section):
    """One of ``checks``: what the laboratory's own check standard showed."""

    on: Annotated[date, Field(alias="date")]
    error: Quantity


Serial = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""As the instrument tells it."""


class CalibrationSection(Section):
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
    points: list[PointSection] = Field(default_factory=list)
    check_every_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    check_limit: Quantity | None = None
    checks: list[CheckSection] = Field(default_factory=list)

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


class CrossCheckSection(Section):
    """``[cross_checks]``: what two good instruments may differ by beyond their certificates."""

    master_percent: Annotated[float, Field(ge=0, le=5)] = 0.3
    master_step_l: Annotated[float, Field(ge=0, le=10)] = 0.05
    water_temp_k: Annotated[float, Field(ge=0, le=5)] = 0.3
    pressure_kpa: Annotated[float, Field(ge=0, le=200)] = 10.0
    chamber_k: Annotated[float, Field(ge=0, le=10)] = 1.0

    def allowances(self) -> Allowances:
        """As the comparisons take them."""
        return Allowances(**self.model_dump())


class InstrumentSection(Section):
    """``[instruments.ROLE]``."""

    driver: str
    address: str | list[str] = VIRTUAL_ADDRESS
    settings: dict[str, Any] = Field(default_factory=dict)
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


class ProbeSection(Section):
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


class InstrumentsSection(Section):
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


def wire_like(address: str) -> str:
    """The virtual laboratory's address with a wire of the kind that ``address`` has; what is no wire stays."""
    if "::hislip" in address:
        return f"{VIRTUAL_ADDRESS}+hislip"
    for scheme, wire in (("rtu-tcp://", "rtu-tcp"), ("rfc2217://", "rfc2217"), ("rtu:///dev", "pty"), ("/dev/", "pty")):
        if address.startswith(scheme):
            return f"{VIRTUAL_ADDRESS}+{wire}"
    return VIRTUAL_ADDRESS if "://" in address or "::" in address else address
