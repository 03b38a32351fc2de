"""Makes a run's reports and puts it into the store as soon as its record is closed (a pytest plugin)."""

from __future__ import annotations

import sys
from pathlib import Path

from meterbench.bench.journal import FILE_NAME
from meterbench.bench.record import load
from meterbench.bench.store import Store, store_url
from meterbench.errors import BenchError


def pytest_meterbench_closed(folder: Path) -> None:
    """Write ``report.html`` and ``report.pdf`` beside the journal; a view that cannot be made harms no record."""
    from meterbench.reports.write import write_reports

    if not (folder / FILE_NAME).exists():
        return  # refused before there was a record: whoever refused says why
    try:
        record = load(folder)
        write_reports(record, folder)
        store = Store(store_url(folder.resolve().parent))
        try:
            store.put(record)
        finally:
            store.close()
    except (BenchError, OSError) as error:
        print(f"meterbench: {error}; the record is in {folder}", file=sys.stderr)
