"""Tables for people at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from meterbench.bench.record import RunRecord
from meterbench.bench.store import StoredRun

VERDICT_STYLE = {
    "PASS": "bold green",
    "FAIL": "bold red",
    "INVALID": "bold yellow",
    "NOT_RUN": "dim",
    "ABORTED": "bold magenta",
    "ERROR": "bold magenta",
}


def _verdict(name: str) -> Text:
    return Text(name, style=VERDICT_STYLE[name])


def print_summary(record: RunRecord, console: Console) -> None:
    """One row a meter: its errors at each flow point, and the verdict."""
    points = list(dict.fromkeys(row.flow_point for row in record.rows if row.quantity == "error_of_indication"))
    kinds = dict.fromkeys(f"DN{meter['dn']} Q3 {meter['q3_m3_h']} m³/h R{meter['ratio']}" for meter in record.batch)
    table = Table(title=f"{record.opened['title']}, {', '.join(kinds)}", title_justify="left", caption_justify="left",
                  caption="E ± U in %, k = 2" if points else None)  # fmt: skip
    for heading in ("Meter", *points, "Verdict"):
        table.add_column(heading, justify="right" if heading in points else "left", no_wrap=True)
    verdicts = {conclusion.meter: conclusion.verdict for conclusion in record.meter_verdicts}
    for meter in record.batch:
        cells = [
            "\n".join(
                f"{row.value_text} ±{row.uncertainty_text}"
                for row in record.rows
                if (row.meter, row.flow_point, row.quantity) == (meter["serial"], point, "error_of_indication")
            )
            for point in points
        ]
        table.add_row(meter["serial"], *cells, _verdict(verdicts.get(meter["serial"], "NOT_RUN")))
    console.print(table)
    for conclusion in record.meter_verdicts:
        for reason in conclusion.reasons:
            console.print(f"Meter {conclusion.meter}: {reason}", markup=False, highlight=False, soft_wrap=True)
    console.print(Text("Run: ").append_text(_verdict(record.verdict.name)))


def print_results(record: RunRecord) -> None:
    """One row a result."""
    table = Table(title=f"{record.opened['title']}, {record.opened['edition']['title']}", title_justify="left")
    for heading in ("Meter", "Point", "Quantity", "Value", "U (k = 2)", "Limits", "Unit", "Verdict"):
        table.add_column(heading, justify="right" if heading in ("Value", "U (k = 2)", "Limits") else "left")
    for row in record.rows:
        attempt = f" ({row.attempt})" if row.attempt > 1 else ""
        table.add_row(
            row.meter,
            row.flow_point + attempt,
            row.quantity.replace("_", " "),
            row.value_text,
            row.uncertainty_text,
            row.limits_text,
            row.unit,
            _verdict(row.verdict),
        )
    Console().print(table)


def print_runs(found: Sequence[StoredRun]) -> None:
    """The store's runs."""
    table = Table()
    for heading in ("Run", "Programme", "Station", "Meters", "Opened (UTC)", "Verdict"):
        table.add_column(heading, no_wrap=heading in ("Run", "Verdict"))
    for run in found:
        table.add_row(run.name, run.programme, run.station, str(run.meters), run.opened_utc[:19], _verdict(run.verdict))
    Console().print(table)


def print_instruments(station: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Who answered at a station."""
    table = Table(title=f"Station {station}", title_justify="left")
    for heading in ("Role", "Instrument", "Serial", "Address", "Latency", "Certificate", "Due", "Calibration"):
        table.add_column(heading)
    for row in rows:
        latency = "–" if row["latency_ms"] is None else f"{row['latency_ms']:.2f} ms"
        style = "green" if row["calibration"] == "valid" else "bold yellow"
        table.add_row(
            row["role"],
            f"{row['manufacturer']} {row['model']}",
            row["serial"],
            row["address"],
            latency,
            row["certificate"] or "–",
            row["due"] or "–",
            Text(row["calibration"], style=style),
        )
    Console().print(table)
