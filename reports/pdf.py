"""The report on paper: A4 as PDF, made by Typst from the same document as the page; no system package is needed.

The same record gives the same bytes: the date is the record's, and the fonts are those that come with the packages.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from meterbench.bench.record import RunRecord
from meterbench.errors import RecordError
from meterbench.reports.blocks import BLANK, Block, Cell, Document, Figure, Section, Table
from meterbench.reports.document import document
from meterbench.reports.report_files import verified_lines, write_whole

TEMPLATE = Path(__file__).with_name("templates") / "report.typ"


def write_pdf(record: RunRecord, path: Path, made: Document | None = None) -> Path:
    """Write the report of a run to ``path`` as a whole and return it; ``RecordError`` if it cannot be written.

    ``made`` is the record's document, where it was made already.
    """
    return write_whole(path, pdf_of(made or document(record, verified_lines(record))))


def pdf_of(report: Document) -> bytes:
    """The pages; ``RecordError`` if the typesetter refuses them."""
    import typst

    try:
        return typst.compile(
            TEMPLATE.read_bytes(),
            format="pdf",
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=[str(_fonts())]),
            sys_inputs={"report": json.dumps(_plain(report), ensure_ascii=False)},
            timestamp=int(datetime.fromisoformat(report.date).timestamp()),
        )
    except typst.TypstError as error:
        raise RecordError(f"the PDF of {report.run} cannot be set: {error}") from error


def _fonts() -> Path:
    """Those of the figures come with the library that draws them."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _plain(report: Document) -> dict[str, Any]:
    """What the template reads."""
    found = {key: part for key, part in vars_of(report).items() if key not in ("front", "sections")}
    return found | {
        "blank": BLANK,
        "front": [_block(block) for block in report.front],
        "sections": [_section(section) for section in report.sections],
    }


def vars_of(report: Document) -> dict[str, Any]:
    """Its own fields, undivided."""
    return {name: getattr(report, name) for name in Document.__dataclass_fields__}


def _section(section: Section) -> dict[str, Any]:
    return {
        "number": section.number,
        "title": section.title,
        "new_page": section.new_page,
        "blocks": [_block(block) for block in section.blocks],
        "sections": [_section(part) for part in section.sections],
    }


def _block(block: Block) -> dict[str, Any]:
    kind = type(block).__name__.lower()
    if isinstance(block, Figure):
        return {"kind": kind, "svg": _for_paper(block.svg), "caption": block.caption, "width": block.width}
    if isinstance(block, Table):
        return {
            "kind": kind,
            "caption": block.caption,
            "note": block.note,
            "columns": [asdict(column) for column in block.columns],
            "rows": [_row(row) for row in block.rows],
        }
    return {"kind": kind} | asdict(block)


def _row(row: Any) -> Any:
    return [
        {"text": cell.text, "out": cell.out} if isinstance(cell, Cell) else {"text": cell, "out": False} for cell in row
    ]


def _for_paper(svg: str) -> str:
    """A document of its own, which an ``svg`` element of a page is not."""
    if "xmlns=" in svg.partition(">")[0]:
        return svg
    return re.sub(
        r"<svg", '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"', svg, count=1
    )
