"""All reports of a run."""

from __future__ import annotations

from pathlib import Path

from meterbench.bench.record import RunRecord
from meterbench.reports.document import document
from meterbench.reports.html import write_report
from meterbench.reports.pdf import write_pdf
from meterbench.reports.report_files import verified_lines


def write_reports(record: RunRecord, folder: Path) -> list[Path]:
    """Write ``report.html`` and ``report.pdf`` into ``folder``; their paths. ``RecordError`` if one cannot be made."""
    made = document(record, verified_lines(record))  # once: its figures take most of the time
    return [write_report(record, folder / "report.html", made), write_pdf(record, folder / "report.pdf", made)]
