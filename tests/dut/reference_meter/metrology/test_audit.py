"""The seal and the audit trail (ADR-034)."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from meterbench.dut.reference_meter.metrology.audit import AuditRecord, AuditTrail, check_trail
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.measuring.measurement import Measurement
from meterbench.dut.reference_meter.metrology.parameters import Parameters
from meterbench.dut.reference_meter.metrology.refusal import Refused

pytestmark = pytest.mark.requirement("ADR-034")

FIRST = Calibration(10.5e-3, 60e-3, 24e-3, 3e-5, (1e-7, 1e-10, 0.0), (5.0, 0.1, 0.0), (50.0, 100.0), (0.97, 1.02))
SECOND = replace(FIRST, zero_offset_ps=(6.0, 0.1, 0.0))


def trail(events: int = 4) -> tuple[AuditRecord, ...]:
    written = AuditTrail()
    for event in range(events):
        written.add(f"event {event}", "tester", f"{event:064x}")
    return written.records


def firmware() -> Measurement:
    return Measurement(Parameters(FIRST), 3125.0, 100_000)


def test_a_trail_is_numbered_and_chained() -> None:
    """Records count from 1, each names the digest of the one before, and the whole is found to be in order."""
    records = trail()
    assert [record.number for record in records] == [1, 2, 3, 4]
    assert [record.previous for record in records[1:]] == [record.digest for record in records[:-1]]
    assert len({record.digest for record in records}) == 4
    check_trail(records)


def test_the_same_events_give_other_digests_at_another_place() -> None:
    """Two records of the same event do not have the same digest: the place in the chain is covered."""
    written = AuditTrail()
    assert written.add("calibrated", "x", "p").digest != written.add("calibrated", "x", "p").digest


@pytest.mark.parametrize("index", [0, 1, 3])
@pytest.mark.parametrize("name", [field.name for field in fields(AuditRecord)])
def test_a_changed_field_is_found(index: int, name: str) -> None:
    """Any field of any record that was changed is found, and the record named."""
    records = list(trail())
    changed = 7 if name == "number" else "f" * 64
    records[index] = replace(records[index], **{name: changed})
    with pytest.raises(Refused, match=f"record {index + 1} was changed"):
        check_trail(tuple(records))


@pytest.mark.parametrize("name", ["event", "by", "parameters"])
def test_a_changed_record_that_was_sealed_again_is_found_by_the_next(name: str) -> None:
    """Who changes a record and computes its digest afresh breaks the chain to the one after."""
    records = list(trail())
    records[1] = replace(records[1], **{name: "another"}).sealed()
    with pytest.raises(Refused, match="record 3 was changed, or one before it"):
        check_trail(tuple(records))


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_record_is_found(missing: int) -> None:
    """A record that is missing before the last is found at the one that follows it."""
    records = trail()
    with pytest.raises(Refused, match=f"record {missing + 1} "):
        check_trail(records[:missing] + records[missing + 1 :])


def test_records_in_another_order_are_found() -> None:
    """Two records that changed places are found at the first of them."""
    one, two, three, four = trail()
    with pytest.raises(Refused, match="record 2 "):
        check_trail((one, three, two, four))


def test_a_record_of_another_trail_is_found() -> None:
    """A record that was put in, with digests of its own, is found."""
    records, other = trail(), AuditTrail()
    forged = [other.add("forged", "x", "p") for _ in range(3)]
    with pytest.raises(Refused, match="record 3 "):
        check_trail((*records[:2], forged[2], records[3]))


def test_records_cannot_be_taken_back() -> None:
    """What is handed out is not the trail itself."""
    written = AuditTrail()
    written.add("calibrated", "x", "p")
    before = written.records
    written.add("sealed", "x", "p")
    assert (len(before), len(written.records)) == (1, 2)


def test_a_sealed_meter_is_not_calibrated() -> None:
    """After the seal a calibration is refused: the old one stays in force, and no record is added."""
    meter = firmware()
    meter.calibrate(FIRST, "line")
    meter.seal("line")
    before = meter.audit_records
    with pytest.raises(Refused, match="the meter is sealed"):
        meter.calibrate(SECOND, "thief")
    assert meter.calibration == FIRST
    assert meter.audit_records == before


def test_a_meter_is_sealed_after_it_was_calibrated() -> None:
    """A seal before any calibration is refused, and does not close the meter."""
    meter = firmware()
    with pytest.raises(Refused, match="has not been calibrated"):
        meter.seal("line")
    assert meter.audit_records == ()
    meter.calibrate(SECOND, "line")
    assert meter.calibration == SECOND


def test_a_meter_is_sealed_once() -> None:
    """A second seal is refused, and not recorded."""
    meter = firmware()
    meter.calibrate(FIRST, "line")
    meter.seal("line")
    with pytest.raises(Refused, match="sealed already"):
        meter.seal("line")
    assert len(meter.audit_records) == 2


def test_the_records_name_the_parameters() -> None:
    """Each event is recorded with who did it and the digest of the parameters in force after it."""
    meter = firmware()
    meter.calibrate(FIRST, "line 1")
    meter.calibrate(SECOND, "line 2")
    meter.seal("line 3")
    told = [(record.event, record.by, record.parameters) for record in meter.audit_records]
    assert told == [
        ("calibrated", "line 1", FIRST.digest),
        ("calibrated", "line 2", SECOND.digest),
        ("sealed", "line 3", SECOND.digest),
    ]
    check_trail(meter.audit_records)


@pytest.mark.parametrize(
    "changes",
    [
        {"throat_m": 10.6e-3},
        {"axial_m": 61e-3},
        {"legs_m": 25e-3},
        {"expansion_per_k": 3.1e-5},
        {"delay_s": (1.1e-7, 1e-10, 0.0)},
        {"delay_s": (1e-7, 1.1e-10, 0.0)},
        {"delay_s": (1e-7, 1e-10, 1e-15)},
        {"zero_offset_ps": (5.1, 0.1, 0.0)},
        {"zero_offset_ps": (5.0, 0.2, 0.0)},
        {"zero_offset_ps": (5.0, 0.1, 1e-9)},
        {"re_knots": (50.0, 100.1)},
        {"factors": (0.97, 1.0200000000000002)},
        {"re_knots": (50.0, 100.0, 200.0), "factors": (0.97, 1.02, 1.02)},
    ],
)
def test_the_digest_changes_with_every_parameter(changes: dict[str, object]) -> None:
    """Any parameter that changes, by however little, changes the digest; equal parameters have the same."""
    assert replace(FIRST, **changes).digest != FIRST.digest
    assert replace(FIRST).digest == FIRST.digest


def test_every_parameter_is_tried() -> None:
    """The list above leaves no parameter out: a new one must be added to it."""
    assert [field.name for field in fields(Calibration)] == [
        "throat_m",
        "axial_m",
        "legs_m",
        "expansion_per_k",
        "delay_s",
        "zero_offset_ps",
        "re_knots",
        "factors",
    ]
