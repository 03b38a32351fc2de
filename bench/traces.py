"""Every process value of a run as a time series: ``traces/SOURCE/0001.parquet``, part by part, each in the record.

A source (the rig, a master meter, the chamber) has a row for each time it was looked at: ``utc``, ``t_s`` (the
station's clock since the session began) and its values, with units in their names. A part is complete or not there;
what a killed session had not written yet belongs to a step that is measured again.
``pandas.read_parquet("traces/rig")`` reads all parts.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from meterbench.errors import RecordError
from meterbench.world.clock import Clock

FOLDER = "traces"
ROWS_A_PART = 5000
Values = Mapping[str, float | str]
OnPart = Callable[[str, int, str], None]
"""Told the path within the run's folder, the rows, and the SHA-256 of each part that is on the disk."""


class Sink(Protocol):
    """Takes what was looked at."""

    def keep(self, source: str, values: Values) -> None: ...


class NoTraces:
    """A bench without a record keeps none."""

    def keep(self, source: str, values: Values) -> None:
        """Forget it."""


class Traces:
    """Writes the parts; from the procedure's thread."""

    def __init__(self, run_folder: Path, clock: Clock, on_part: OnPart) -> None:
        self._folder = run_folder
        self._clock = clock
        self._on_part = on_part
        self._start_s = clock.now_s()
        self._start_utc = clock.utc()
        self._rows: dict[str, list[tuple[float, Values]]] = {}

    def keep(self, source: str, values: Values) -> None:
        """One look at ``source``, now."""
        rows = self._rows.setdefault(source, [])
        rows.append((self._clock.now_s() - self._start_s, values))
        if len(rows) >= ROWS_A_PART:
            self._write(source)

    def flush(self) -> None:
        """Put everything on the disk; ``RecordError`` if it cannot be written."""
        for source in list(self._rows):
            self._write(source)

    def _write(self, source: str) -> None:
        import pyarrow as pa

        rows = self._rows.pop(source)
        names = dict.fromkeys(name for _, values in rows for name in values)
        columns: dict[str, object] = {
            "utc": pa.array([self._start_utc + timedelta(seconds=at_s) for at_s, _ in rows], pa.timestamp("us", "UTC")),
            "t_s": pa.array([at_s for at_s, _ in rows], pa.float64()),
        }
        for name in names:
            columns[name] = pa.array([values.get(name) for _, values in rows])
        self._on_part(*write_part(self._folder, source, columns))


def write_part(run_folder: Path, source: str, columns: Mapping[str, object]) -> tuple[str, int, str]:
    """Put the next part of a source (its Arrow arrays by name) on the disk: what ``OnPart`` is told.

    ``RecordError`` if it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder, table = run_folder / FOLDER / source, pa.table(dict(columns))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{len(list(folder.glob('*.parquet'))) + 1:04}.parquet"
        unfinished = path.with_suffix(".part")
        with open(unfinished, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise RecordError(f"cannot write the trace of {source} in {folder}: {error.strerror}") from error
    return str(path.relative_to(run_folder)), table.num_rows, hashlib.sha256(content).hexdigest()


def verify(run_folder: Path, parts: Sequence[Mapping[str, Any]]) -> None:
    """``RecordError`` names the first part (``trace`` lines of the journal) that is missing or was changed."""
    for part in parts:
        path = run_folder / part["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RecordError(f"the trace {path} cannot be read: {error.strerror}; the record names it") from error
        if hashlib.sha256(content).hexdigest() != part["sha256"]:
            raise RecordError(f"the trace {path} is not what the bench wrote: its SHA-256 is not that of the record")


def load(run_folder: Path, parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, NDArray[Any]]]:
    """The verified traces: source -> name of a value -> its series, with ``utc`` as ``datetime64[us]``."""
    import numpy as np
    import pyarrow.parquet as pq

    verify(run_folder, parts)
    found: dict[str, dict[str, list[NDArray[Any]]]] = {}
    lengths: dict[str, int] = {}
    for part in parts:
        source = Path(part["file"]).parent.name
        table = pq.read_table(run_folder / part["file"])
        columns = found.setdefault(source, {})
        for name in table.column_names:
            before = lengths.get(source, 0) - sum(map(len, columns.get(name, [])))
            if before:  # a value that this source did not have from the beginning
                columns.setdefault(name, []).append(np.full(before, np.nan))
            columns.setdefault(name, []).append(_series(table.column(name)))
        lengths[source] = lengths.get(source, 0) + table.num_rows
    return {
        source: {
            name: np.concatenate(series) for name, series in columns.items() if sum(map(len, series)) == lengths[source]
        }
        for source, columns in found.items()
    }


def _series(column: Any) -> NDArray[Any]:
    return cast("NDArray[Any]", column.to_numpy())
