"""All reports of a run."""

from __future__ import annotations

from pathlib import Path

from meterbench.bench.record import RunRecord
from meterbench.reports.html import write_report
from meterbench.reports.pdf import write_pdf


def write_reports(record: RunRecord, folder: Path) -> list[Path]:
    """Write ``report.html`` and ``report.pdf`` into ``folder``; their paths. ``RecordError`` if one cannot be made."""
    return [write_report(record, folder / "report.html"), write_pdf(record, folder / "report.pdf")]
