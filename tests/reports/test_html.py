"""The HTML report shows all that the record says, plainly and to the last digit, and nothing that can run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from meterbench.bench.record import RunRecord, load
from meterbench.errors import RecordError
from meterbench.reports.html import write_report
from tests.reports.sample_run import write_sample_run

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """What a test asks of a page: its tags, its attributes, its text; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "title"):
            self.words.extend(data.split())

    @property
    def text(self) -> str:
        """All that a reader sees, with single blanks."""
        return " ".join(self.words)

    def attributes(self, name: str) -> Iterable[str | None]:
        """The values of an attribute, in order."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def report_of(folder: Path, **options: object) -> Page:
    """The report of a sample run as a page."""
    record = load(write_sample_run(folder, **options))  # type: ignore[arg-type]
    return Page(write_report(record, folder / "report.html").read_text(encoding="utf-8"))


def test_every_result_stands_there_in_full_and_as_every_view_prints_it(record: RunRecord, report: Path) -> None:
    """A cell holds ``repr`` of the number and shows the record's own text for it."""
    html = report.read_text(encoding="utf-8")
    for row in record.rows:
        assert f'data-value="{row.value!r}">{row.value_text}</td>' in html
        assert row.uncertainty_text in html
        assert row.limits_text in html


def test_readings_and_budgets_stand_there_in_full(record: RunRecord, report: Path) -> None:
    """Raw volumes, masses, times and every contribution are not rounded away."""
    shown = set(Page(report.read_text(encoding="utf-8")).attributes("data-value"))
    assert {repr(reading["value"]) for reading in record.readings} <= shown
    contributions = [part for budget in record.budgets for part in budget.contributions]
    assert {repr(part.percent) for part in contributions} <= shown
    assert {repr(budget.expanded_uncertainty_percent) for budget in record.budgets} <= shown


def test_readings_stand_with_the_run_that_they_belong_to(record: RunRecord, report: Path) -> None:
    """In each line of a test record (Vi - Va) / Va is the error of that line."""
    html = report.read_text(encoding="utf-8")
    found = 0
    for line in re.findall(r"<tr>.*?</tr>", html, re.DOTALL):
        numbers = [float(number) for number in re.findall(r'data-value="([^"]+)"', line)]
        if len(numbers) == 7:
            _, _, _, indicated_l, actual_l, error_percent, _ = numbers
            assert (indicated_l - actual_l) / actual_l * 100 == pytest.approx(error_percent, abs=1e-9)
            found += 1
    assert found == sum(row.quantity == "error_of_indication" for row in record.rows)


def test_the_page_needs_nothing_else(report: Path) -> None:
    """No script, no address of anything outside the file, and a policy that forbids both."""
    html = report.read_text(encoding="utf-8")
    page = Page(html)
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not [target for target in page.attributes("xlink:href") if not str(target).startswith("#")]
    assert "url(http" not in html
    assert "@import" not in html
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.attributes("content")


def test_no_two_elements_share_an_id(report: Path) -> None:
    """The figures stand in one page and must not take each other's markers."""
    ids = list(Page(report.read_text(encoding="utf-8")).attributes("id"))
    assert len(ids) == len(set(ids))


def test_the_same_record_gives_the_same_bytes(record: RunRecord, report: Path, tmp_path: Path) -> None:
    """No clock, no chance, no order of a set."""
    assert write_report(record, tmp_path / "again.html").read_bytes() == report.read_bytes()


def test_head_and_foot_name_the_standard_the_software_and_the_record(record: RunRecord, report: Path) -> None:
    """What a certificate must say of itself."""
    text = Page(report.read_text(encoding="utf-8")).text
    lines = len((record.folder / "journal.jsonl").read_text().splitlines())
    for expected in (
        "ISO 4064-2:2014 | OIML R 49-2:2013, clause 10", "DRAFT", "meterbench 0.1.0", "abc1234", record.head_hash,
        f"{lines}, chain of hashes unbroken", "Tested by", "Reviewed by", "2026-03-04 09:00:00 UTC",
        "uncertainty of the reference at most MPE/3 (clause 7.4.2)", "10000002", "4 (1 FAIL, 3 PASS)",
        "safe state reached",
    ):  # fmt: skip
        assert expected in text


@pytest.mark.parametrize("simulated", [True, False])
def test_only_a_simulated_station_is_called_no_evidence(tmp_path: Path, simulated: bool) -> None:
    """The banner follows the record."""
    page = report_of(tmp_path / "run", simulated=simulated, flow_points=["Q3"])
    assert ("not evidence about a real meter" in page.text) is simulated


def test_an_aborted_run_without_rows_has_a_report(tmp_path: Path) -> None:
    """It says that nothing was measured, why, and concludes on no meter."""
    page = report_of(tmp_path / "run", flow_points=[], reasons=["stopped by the operator"])
    assert "▲ ABORTED" in page.text
    assert "stopped by the operator" in page.text
    assert "No result was recorded in this run." in page.text
    assert "PASS" not in page.text
    assert "svg" not in {tag for tag, _ in page.tags}


def test_an_invalid_run_shows_which_condition_was_not_met(tmp_path: Path) -> None:
    """INVALID is the bench's doing: no meter is called failed."""
    page = report_of(tmp_path / "run", water_temp_c=31.2, reasons=["water too warm"])
    assert "◆ INVALID The bench could not judge" in page.text
    assert "water too warm" in page.text
    assert "31.16 … 31.26 ◆ not met" in page.text
    assert not [shown for shown in page.attributes("class") if shown in ("verdict fail", "n out")]


def test_a_record_that_was_cut_off_says_so(tmp_path: Path) -> None:
    """Whatever had passed until then, the run has not."""
    page = report_of(tmp_path / "run", flow_points=["Q3"], closed=False)
    assert "the run was cut off" in page.text
    assert "the last step finished was initial-verification/Q3" in page.text
    assert "▲ ABORTED The run did not come to its end" in page.text
    assert "Meters under test 4 (4 NOT RUN)" in page.text


def test_a_draw_profile_is_drawn_without_a_flow_axis(tmp_path: Path) -> None:
    """There is no single flow rate: the figure sets the meters side by side."""
    page = report_of(tmp_path / "run", flow_points=["profile"])
    assert page.text.count("meter (serial number)") == 1
    assert "flow rate Q" not in page.text
    assert "profile draw-profile, clause 10.1.3" in page.text


def test_expired_and_missing_certificates_are_in_plain_sight(tmp_path: Path) -> None:
    """Each is marked in the table of instruments."""
    page = report_of(tmp_path / "run", flow_points=["Q3"], expired=True)
    assert "2025-12-31 0.3 g ◆ EXPIRED" in page.text
    assert "◆ MISSING" in page.text


def test_what_the_opening_may_leave_out_is_a_dash(record: RunRecord, tmp_path: Path) -> None:
    """A real rig that did not say its firmware, its air or its source revision still has a report."""
    opened = {
        **record.opened,
        "station": {"name": "rig-2", "clock": "wall", "simulated": False},
        "instruments": [{"role": "balance"}],
        "software": {**record.opened["software"], "commit": None},
        "batch": [{**meter, "dn": None} for meter in record.batch],
    }
    text = Page(write_report(replace(record, opened=opened), tmp_path / "report.html").read_text()).text
    assert "balance – – – – – – – ◆ MISSING" in text
    assert "Air pressure (entered) – hPa" in text
    assert "Source revision –" in text


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """A serial number can neither run nor break the figures."""
    serials = ["<script>alert(1)</script>", "$x^{2$ \\frac", '"><svg onload=alert(1)>']
    for points in (["Q3"], ["profile"]):
        page = report_of(tmp_path / points[0], serials=serials, flow_points=points)
        assert "script" not in {tag for tag, _ in page.tags}
        assert not list(page.attributes("onload"))
        for serial in serials:
            assert serial in page.text


def test_uncertainty_beyond_what_is_allowed_is_marked(tmp_path: Path) -> None:
    """U stands against the largest that the rule allows a verdict with, as the rows say it."""
    folder = write_sample_run(tmp_path / "run", flow_points=["Q1"])
    record = load(folder)
    assert "Allowed by the rule 1.67 kept" in Page(write_report(record, tmp_path / "a.html").read_text()).text
    wide = replace(record.budgets[0], expanded_uncertainty_percent=1.2)
    strict_rows = tuple(replace(row, uncertainty_limit=1.0) for row in record.rows)
    stricter = replace(record, budgets=(wide,), rows=strict_rows)
    text = Page(write_report(stricter, tmp_path / "b.html").read_text()).text
    assert "Allowed by the rule 1 ◆ exceeded" in text


def test_a_value_that_is_missing_is_a_dash(record: RunRecord, tmp_path: Path) -> None:
    """A row without a number has no number in any cell or figure."""
    none = replace(record.rows[4], value=None, expanded_uncertainty=None, verdict="INVALID", reason="no pulses")
    holed = replace(record, rows=(*record.rows[:4], none, *record.rows[5:]))
    page = Page(write_report(holed, tmp_path / "report.html").read_text())
    assert "None" not in page.text
    assert "no pulses" in page.text


def test_a_report_of_another_record_is_refused(record: RunRecord, tmp_path: Path) -> None:
    """The lines counted as verified are those of the record that was read."""
    with pytest.raises(RecordError, match="another hash"):
        write_report(replace(record, head_hash="0" * 64), tmp_path / "report.html")


def test_a_place_that_cannot_be_written_is_named(record: RunRecord, tmp_path: Path) -> None:
    """The message says which file and why."""
    with pytest.raises(RecordError, match="nowhere"):
        write_report(record, tmp_path / "nowhere" / "report.html")


def test_a_report_is_there_as_a_whole_or_not_at_all(record: RunRecord, tmp_path: Path) -> None:
    """A full disk leaves the report that was there before, and no half of another."""
    path = tmp_path / "report.html"
    path.write_text("before")
    (tmp_path / ".report.html.part").symlink_to("/dev/full")
    with pytest.raises(RecordError, match=r"cannot write the report .*: No space left on device"):
        write_report(record, path)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_replay_is_not_taken_for_a_day_at_the_laboratory(tmp_path: Path) -> None:
    """What answered in the place of the instruments stands at the top, instead of the banner of a simulated station."""
    record = load(write_sample_run(tmp_path / "run"))
    told = "replay of wire.jsonl, SHA-256 00ff"
    station = record.opened["station"] | {"simulated": True, "other_side": told}
    replayed = replace(record, opened=record.opened | {"station": station})
    page = Page(write_report(replayed, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert f"In the place of the instruments answered: {told}." in page.text
    assert "Not measured at a laboratory: not evidence about a real meter." in page.text
    assert "Simulated station" not in page.text
