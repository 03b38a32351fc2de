"""Tables for people at a terminal. Text from outside is printed as it stands; serials and values are never cut."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.measure import measure_renderables
from rich.table import Table
from rich.text import Text

from meterbench.bench.record import RunRecord
from meterbench.bench.served_lab import ServedLab
from meterbench.bench.store import StoredRun

if TYPE_CHECKING:
    from meterbench.bench.capability import Capability
    from meterbench.station_check import StationCheck

VERDICT_STYLE = {
    "PASS": "bold green",
    "FAIL": "bold red",
    "INVALID": "bold yellow",
    "NOT_RUN": "dim",
    "ABORTED": "bold magenta",
    "ERROR": "bold magenta",
}
_WIDE = 10_000
"""Columns of a terminal in which everything has room."""
_NARROWEST = 10
"""Of a column that folds."""


def terminal(*, stderr: bool = False) -> Console:
    """Standard output or error for people: ``[x1]7`` is a serial and no markup, ``:a:`` no picture."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def _print(console: Console, table: Table, fold: Collection[str] = ()) -> None:
    """Fit a table to the terminal: wrap between words, and within words in the columns under the headings ``fold``.

    If it is wider all the same, the terminal wraps its lines. Into a pipe nothing is wrapped.
    """
    wide = console.options.update(width=_WIDE)
    found = [measure_renderables(console, wide, [column.header, *column.cells]) for column in table.columns]
    widths = [each.maximum for each in found]
    least = [
        min(each.minimum, _NARROWEST) if column.header in fold else each.minimum
        for column, each in zip(table.columns, found, strict=True)
    ]
    frame = 3 * len(widths) + 1
    while console.is_terminal and sum(widths) + frame > console.width and widths != least:
        widths[max(range(len(widths)), key=lambda number: widths[number] - least[number])] -= 1
    for column, width in zip(table.columns, widths, strict=True):
        column.width, column.overflow = width, "fold"
    table.width = sum(widths) + frame
    console.print(table, crop=False)


def _verdict(name: str) -> Text:
    return Text(name, style=VERDICT_STYLE[name])


def print_lab(console: Console, lab: ServedLab, drivers: Mapping[str, str]) -> None:
    """Where the instruments of a served laboratory answer."""
    table = Table(title=f"Laboratory {lab.station}, {lab.speed:g} times as fast as wall time", title_justify="left")
    for heading in ("role", "driver", "address"):
        table.add_column(heading)
    for role, addresses in lab.addresses.items():
        for slot, address in enumerate(addresses, start=1):
            table.add_row(f"{role} {slot}" if len(addresses) > 1 else role, drivers[role], Text(address))
    _print(console, table)
    console.print("Serving until Ctrl-C.")


def print_summary(record: RunRecord, console: Console) -> None:
    """What was concluded: clause by clause where there are clauses, else from the errors at each flow point."""
    if record.clause_verdicts:
        _print_clauses(record, console)
    else:
        _print_errors(record, console)
    for conclusion in record.meter_verdicts:
        for reason in conclusion.reasons:
            console.print(f"Meter {conclusion.meter}: {reason}", soft_wrap=True)
    console.print(Text("Run: ").append_text(_verdict(record.verdict.name)))


def _print_clauses(record: RunRecord, console: Console) -> None:
    """One row a clause, one column a sample; what failed is told below."""
    caption = f"– not asked of this sample; {len(record.not_applicable)} tests do not apply to the type"
    table = Table(title=_title(record), title_justify="left", caption_justify="left", caption=caption)
    for heading in ("Clause", "Test", *(meter["serial"] for meter in record.batch)):
        table.add_column(heading)
    titles = {each.clause: each.title for each in record.clause_verdicts}
    verdicts = {(each.clause, each.meter): each.verdict for each in record.clause_verdicts}
    for clause, title in titles.items():
        found = [verdicts.get((clause, meter["serial"])) for meter in record.batch]
        table.add_row(clause, title, *(Text("–") if verdict is None else _verdict(verdict) for verdict in found))
    _print(console, table, fold=("Test",))
    for each in record.clause_verdicts:
        for reason in each.reasons:
            console.print(f"{each.clause}, meter {each.meter}: {reason}", soft_wrap=True)


def _title(record: RunRecord) -> str:
    kinds = dict.fromkeys(f"DN{meter['dn']} Q3 {meter['q3_m3_h']} m³/h R{meter['ratio']}" for meter in record.batch)
    return f"{record.opened['title']}, {', '.join(kinds)}"


def _print_errors(record: RunRecord, console: Console) -> None:
    """One row a meter: its errors at each flow point, and the verdict."""
    points = list(dict.fromkeys(row.flow_point for row in record.rows if row.quantity == "error_of_indication"))
    table = Table(title=_title(record), title_justify="left", caption_justify="left",
                  caption="E ± U in %, k = 2" if points else None)  # fmt: skip
    for heading in ("Meter", *points, "Verdict"):
        table.add_column(heading, justify="right" if heading in points else "left")
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
    _print(console, table)


def print_results(record: RunRecord) -> None:
    """One row a result."""
    table = Table(title=f"{record.opened['title']}, {record.opened['edition']['title']}", title_justify="left")
    for heading in ("Meter", "Point", "Quantity", "Value", "U (k = 2)", "Limits", "Unit", "Verdict"):
        table.add_column(heading, justify="right" if heading in ("Value", "U (k = 2)", "Limits") else "left")
    for row in record.rows:
        attempt = f" ({row.attempt})" if row.attempt > 1 else ""
        table.add_row(
            row.meter,
            " ".join(part for part in (row.condition, row.flow_point) if part) + attempt,
            row.quantity.replace("_", " "),
            row.value_text,
            row.uncertainty_text,
            row.limits_text,
            row.unit,
            _verdict(row.verdict),
        )
    _print(terminal(), table)


def print_runs(found: Sequence[StoredRun]) -> None:
    """The store's runs."""
    table = Table()
    for heading in ("Run", "Programme", "Station", "Meters", "Opened (UTC)", "Verdict"):
        table.add_column(heading)
    for run in found:
        table.add_row(
            run.name,
            run.programme,
            run.station,
            str(run.meters),
            run.opened_utc[:19].replace("T", " "),
            _verdict(run.verdict),
        )
    _print(terminal(), table, fold=("Run", "Programme", "Station"))


def print_check(station: str, found: StationCheck) -> None:
    """Who answered at a station, what it can measure, and the procedures that it can run."""
    console = terminal()
    _print(console, _instruments(station, found.instruments), fold=("Instrument", "Address", "Certificate"))
    for rating in dict.fromkeys(row.rating for row in found.capability):
        console.print()
        _print(console, _capability(rating, [row for row in found.capability if row.rating == rating]))
    console.print()
    table = Table(title="Procedures", title_justify="left")
    for heading in ("Procedure", "Can run", "Why not"):
        table.add_column(heading)
    for each in found.procedures:
        table.add_row(each.procedure, _yes(each.can_run), "\n".join(each.reasons) or "–")
    _print(console, table, fold=("Why not",))


def _instruments(station: str, lines: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=f"Station {station}", title_justify="left")
    headings = ("Role", "Instrument", "Serial", "Address", "Latency", "Certificate", "U (k = 2)", "Due", "Left",
                "Calibration")  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("Latency", "Left") else "left")
    for line in lines:
        valid = line["calibration"] in ("valid", "none needed")
        style = "bold red" if not valid else "bold yellow" if line["warning"] else "green"
        table.add_row(
            line["role"],
            f"{line['manufacturer']} {line['model']}".strip(),
            line["serial"] or "–",
            line["address"],
            "–" if line["latency_ms"] is None else f"{line['latency_ms']:.2f} ms",
            line["certificate"] or "–",
            line["expanded_uncertainty"] or "–",
            line["due"] or "–",
            "–" if line["days_left"] is None else f"{line['days_left']} d",
            Text(line["calibration"], style=style),
        )
    return table


def _capability(rating: str, rows: Sequence[Capability]) -> Table:
    from meterbench.bench.capability import SHORTEST_S

    table = Table(title=f"What it can measure of {rating}", title_justify="left", caption_justify="left",
                  caption="U: expanded uncertainty (k = 2) of an error of indication with that volume, as expected of "
                          "a usual day. Least volume: with it U is allowed; of a flying start and finish what comes in "
                          f"{SHORTEST_S:g} s at least.")  # fmt: skip
    texts = ("Point", "Line", "Possible")
    for heading in ("Point", "Flow (L/h)", "Line", "Volume (L)", "Time (s)", "U (%)", "Allowed U (%)",
                    "Least volume (L)", "Possible"):  # fmt: skip
        table.add_column(heading, justify="left" if heading in texts else "right")
    for row in rows:
        table.add_row(
            row.point,
            f"{row.flow_l_h:.5g}",
            row.line or "–",
            f"{row.volume_l:.3g}",
            f"{row.duration_s:.0f}",
            _number(row.expanded_uncertainty_percent, ".3f"),
            f"{row.allowed_percent:.3f}",
            _number(row.minimum_volume_l, ".3g"),
            _yes(row.possible),
        )
    return table


def _number(number: float | None, form: str) -> str:
    return "–" if number is None else format(number, form)


def _yes(is_so: bool) -> Text:
    return Text("yes", style="green") if is_so else Text("no", style="bold red")
