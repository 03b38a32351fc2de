"""The HTML report of a run: one file that needs nothing else, a view of the record and of nothing but the record.

The same record gives the same bytes: no clock is read, and the date is that of the record.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

from meterbench.bench import traces
from meterbench.bench.record import RunRecord
from meterbench.errors import RecordError
from meterbench.reports import blocks, error_figures, figures, tables, trace_figures
from meterbench.reports.blocks import Document
from meterbench.reports.common_sections import moment_text
from meterbench.reports.document import CONCLUSIONS, TYPE_EVALUATION, document
from meterbench.reports.report_files import verified_lines, write_whole

VERDICT_GLYPHS = {"PASS": "●", "FAIL": "✖", "INVALID": "◆"}
"""The markers of the figures as characters; any other verdict gets a triangle."""


def write_report(record: RunRecord, path: Path, made: Document | None = None) -> Path:
    """Write the report of a run to ``path`` as a whole and return it; ``RecordError`` if it cannot be written.

    ``made`` is the record's document, where it was made already.
    """
    if record.opened["programme"] == TYPE_EVALUATION:
        page = _environment().get_template("type_evaluation.html")
        return write_whole(path, page.render(document=made or document(record, verified_lines(record))).encode())
    readings = tables.Readings(record)
    page = _environment().get_template("report.html")
    text = page.render(
        record=record,
        opened=record.opened,
        verified_lines=verified_lines(record),
        conclusion=CONCLUSIONS[record.verdict],
        summary=tables.summarise(record),
        curves=_curves(record, readings),
        points=tables.point_records(record, readings),
        further=tables.further_rows(record),
        conditions=tables.conditions_by_step(record),
        budgets=tables.budget_sections(record),
        laboratory=tables.laboratory_readings(record),
        **_process_values(record),
    )
    return write_whole(path, text.encode())


def _curves(record: RunRecord, readings: tables.Readings) -> list[tuple[str, dict[str, Markup]]]:
    """Procedure and its titled figures."""
    return [
        (procedure, {title: Markup(svg) for title, svg in error_figures.curves(record, readings, procedure).items()})
        for procedure in error_figures.procedures(record)
    ]


def _process_values(record: RunRecord) -> dict[str, Any]:
    """The figure over time, or why there is none."""
    if not record.traces:
        return {"over_time": Markup(""), "traces_missing": ""}
    try:
        found = traces.load(record.folder, record.traces)
    except RecordError as error:
        return {"over_time": Markup(""), "traces_missing": str(error)}
    steps = [
        (step.rpartition("/")[2], datetime.fromisoformat(begins), datetime.fromisoformat(ends))
        for step, (begins, ends) in record.step_times.items()
    ]
    return {"over_time": Markup(trace_figures.over_time(found, steps)), "traces_missing": ""}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "dash": lambda part: "–" if isinstance(part, Undefined) or part is None or part == "" else part,
        "words": lambda name: name.replace("_", " "),
        "unit": tables.unit_text,
        "moment": moment_text,
        "number": tables.number_text,
        "nominal": tables.nominal_text,
        "limit": tables.limit_text,
        "rounded": tables.rounded_text,
        "glyph": lambda verdict: VERDICT_GLYPHS.get(verdict, "▲"),
    }
    environment.filters |= {
        "symbol": _symbol,
        "block": lambda block: type(block).__name__.lower(),
        "slug": lambda number: number.lower().replace(" ", "-").replace(".", "-"),
        "safe_svg": Markup,
    }
    environment.globals |= {"budget_bars": _budget_bars, "BLANK": blocks.BLANK}
    return environment


def _budget_bars(section: tables.BudgetSection) -> Markup:
    budget = section.budget
    parts = [(part.name, part.percent) for part in budget.contributions]
    return Markup(figures.budget_bars(f"{budget.step}, {budget.quantity}", parts, budget.standard_uncertainty_percent))


def _symbol(symbol: str) -> Markup:
    """``V_i`` with its index."""
    letter, _, index = symbol.partition("_")
    return Markup("<i>{}</i>").format(letter) + (Markup("<sub>{}</sub>").format(index) if index else Markup(""))
