"""The legally relevant parameters: written at the end of the line, then sealed; every change is on record (ADR-034)."""

from __future__ import annotations

from meterbench.dut.reference_meter.metrology.audit import AuditRecord, AuditTrail
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.refusal import Refused


class Parameters:
    """The calibration in force and how it came there. ``calibration`` is the type's until one is put in."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._trail = AuditTrail()
        self._sealed = False

    @property
    def calibration(self) -> Calibration:
        return self._calibration

    @property
    def records(self) -> tuple[AuditRecord, ...]:
        """Every change, from the first on."""
        return self._trail.records

    def put(self, calibration: Calibration, by: str) -> None:
        """Put a calibration into force; ``Refused`` once the meter is sealed."""
        if self._sealed:
            raise Refused("calibrate: the meter is sealed; its legally relevant parameters cannot be changed")
        self._calibration = calibration
        self.note("calibrated", by)

    def seal(self, by: str) -> None:
        """Close the meter for good; ``Refused`` if it was never calibrated or is sealed already."""
        if self._sealed or not self._trail.records:
            why = "it is sealed already" if self._sealed else "it has not been calibrated"
            raise Refused(f"seal: {why}")
        self._sealed = True
        self.note("sealed", by)

    def note(self, event: str, by: str) -> None:
        """Put an event on record, with the digest of the parameters in force."""
        self._trail.add(event, by, self._calibration.digest)
