"""The seal over the legally relevant parameters, and the record of every change of them (ADR-034)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

from meterbench.dut.reference_meter.metrology.refusal import Refused

_BEFORE_THE_FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One event; ``digest`` covers all other fields, ``previous`` is the digest of the record before."""

    number: int
    event: str
    by: str
    parameters: str
    """Digest of the parameters in force after the event."""
    previous: str
    digest: str = ""

    def sealed(self) -> AuditRecord:
        """With its digest."""
        fields = asdict(replace(self, digest=""))
        return replace(self, digest=hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest())


class AuditTrail:
    """Records that can only be added to, each chained to the one before."""

    def __init__(self) -> None:
        self._records: list[AuditRecord] = []

    @property
    def records(self) -> tuple[AuditRecord, ...]:
        return tuple(self._records)

    def add(self, event: str, by: str, parameters: str) -> AuditRecord:
        """Record what happened, who did it, and the parameters' digest afterwards."""
        previous = self._records[-1].digest if self._records else _BEFORE_THE_FIRST
        record = AuditRecord(len(self._records) + 1, event, by, parameters, previous).sealed()
        self._records.append(record)
        return record


def check_trail(records: tuple[AuditRecord, ...]) -> None:
    """Verify a trail that was read out; ``Refused`` names the first record that does not fit.

    A trail that was cut off at its end fits: who reads it must know its length or its last digest.
    """
    previous = _BEFORE_THE_FIRST
    for number, record in enumerate(records, start=1):
        if record.number != number or record.previous != previous or record.sealed().digest != record.digest:
            raise Refused(f"audit trail: record {number} was changed, or one before it is missing")
        previous = record.digest
