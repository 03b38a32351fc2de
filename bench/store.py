"""The store: all runs and their results in one database, SQLite by default, PostgreSQL by URL. A view of the journals.

``METERBENCH_STORE`` holds a database URL; without it the store is ``meterbench.sqlite`` beside the runs' folders.
What is in the store can be thrown away and made again from the journals.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meterbench.bench.record import RunRecord
from meterbench.errors import ConfigError, RecordError

_tables = sa.MetaData()
_runs = sa.Table(
    "runs",
    _tables,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("programme", sa.String(100), nullable=False),
    sa.Column("station", sa.String(200), nullable=False),
    sa.Column("opened_utc", sa.String(40), nullable=False),
    sa.Column("verdict", sa.String(10), nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("meters", sa.Integer, nullable=False),
    sa.Column("head_hash", sa.String(64), nullable=False),
)
_results = sa.Table(
    "results",
    _tables,
    sa.Column("run", sa.String(200), sa.ForeignKey("runs.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("procedure", sa.String(100), nullable=False),
    sa.Column("clause", sa.String(40), nullable=False),
    sa.Column("requirement", sa.String(40), nullable=False),
    sa.Column("meter", sa.String(40), nullable=False, index=True),
    sa.Column("flow_point", sa.String(40), nullable=False),
    sa.Column("condition", sa.String(200), nullable=False),
    sa.Column("repeat", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("quantity", sa.String(100), nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("expanded_uncertainty", sa.Double),
    sa.Column("lower", sa.Double),
    sa.Column("upper", sa.Double),
    sa.Column("verdict", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("time", sa.String(40), nullable=False),
    sa.Column("step", sa.String(200), nullable=False),
    sa.Column("uncertainty_limit", sa.Double),
)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the store lists it."""

    name: str
    folder: str
    programme: str
    station: str
    opened_utc: str
    verdict: str
    closed: bool
    meters: int


def store_url(runs_folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The database URL in force for runs kept in ``runs_folder``."""
    return environment.get("METERBENCH_STORE") or f"sqlite:///{runs_folder / 'meterbench.sqlite'}"


class Store:
    """The database behind a URL; tables are made when they are missing."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = sa.create_engine(url)
            _tables.create_all(self._engine)
            stale = _stale_table(self._engine)
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise ConfigError(f"cannot open the store {_shown(url)}: {_cause(error)}") from error
        if stale:
            raise ConfigError(
                f"the store {_shown(url)} was made by another version (table {stale}): remove it; it is a view and is "
                "made again from the journals"
            )

    def put(self, record: RunRecord) -> None:
        """Take in a run, or what has been added to it since; all or nothing."""
        run = {
            "name": record.name,
            "folder": str(record.folder.resolve()),
            "programme": record.opened["programme"],
            "station": record.opened["station"]["name"],
            "opened_utc": record.opened["utc"],
            "verdict": record.verdict.name,
            "closed": record.closed is not None,
            "meters": len(record.batch),
            "head_hash": record.head_hash,
        }
        rows = [asdict(row) | {"run": record.name, "number": number} for number, row in enumerate(record.rows)]
        try:
            with self._engine.begin() as connection:
                same_name = connection.execute(_runs.select().where(_runs.c.name == record.name)).first()
                if same_name is not None and same_name.opened_utc != run["opened_utc"]:
                    raise RecordError(
                        f"the store has another run {record.name}, of {same_name.opened_utc} in {same_name.folder}: "
                        "rename this run's folder; its journal is complete all the same"
                    )
                connection.execute(_results.delete().where(_results.c.run == record.name))
                connection.execute(_runs.delete().where(_runs.c.name == record.name))
                connection.execute(_runs.insert(), run)
                if rows:
                    connection.execute(_results.insert(), rows)
        except sa.exc.SQLAlchemyError as error:
            raise RecordError(
                f"cannot store run {record.name}: {error}; its journal is complete all the same"
            ) from error

    def runs(self) -> list[StoredRun]:
        """All runs, newest first."""
        columns = [_runs.c[name] for name in StoredRun.__dataclass_fields__]
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(*columns).order_by(_runs.c.opened_utc.desc(), _runs.c.name))
            return [StoredRun(*row) for row in found]

    def results(self, run: str) -> list[dict[str, Any]]:
        """The result rows of a run, as they were recorded."""
        columns = [column for column in _results.c if column.name not in ("run", "number")]
        query = sa.select(*columns).where(_results.c.run == run).order_by(_results.c.number)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Release the database's connections."""
        self._engine.dispose()


def _stale_table(engine: sa.Engine) -> str:
    """The first table whose columns are not those of this version, or an empty string."""
    inspector = sa.inspect(engine)
    for name, table in _tables.tables.items():
        if {column["name"] for column in inspector.get_columns(name)} != {column.name for column in table.columns}:
            return name
    return ""


def _shown(url: str) -> str:
    """The URL without what may be a password."""
    return url.split("@")[-1]


def _cause(error: Exception) -> str:
    """The database's own sentence, without the statement that met it."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]
