"""The type evaluation under pytest: one conclusion a test of the standard and sample, carried out when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from meterbench.bench.bench import Bench
from meterbench.bench.pytest_plugin import Campaign
from meterbench.bench.run import Run
from meterbench.bench.session import Programme
from meterbench.dut.meter import Nameplate
from meterbench.procedures import edition, type_evaluation

TABLES = edition.load()
TESTS = [test for test in TABLES.tests() if test.key in type_evaluation.PROCEDURES]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Test by test, and in each of them sample by sample: only those that the edition asks for."""
    metafunc.parametrize(
        "test",
        [
            pytest.param(
                test,
                id=f"{test.clause} {test.name}",
                marks=[pytest.mark.clause(test.clause), *map(pytest.mark.requirement, test.requirements)],
            )
            for test in TESTS
        ],
    )


@pytest.fixture(scope="module")
def campaign(request: pytest.FixtureRequest, open_programme: Callable[[Programme], Campaign]) -> Iterator[Campaign]:
    """The station, open for the tests that were selected."""
    here = [item for item in request.session.items if item.path == request.path]
    selected = {str(marker.args[0]) for item in here for marker in item.iter_markers("clause")}
    chosen = [test.key for test in TESTS if test.clause in selected]
    part = (
        "" if len(chosen) == len(TESTS) else f", only {', '.join(test.clause for test in TESTS if test.key in chosen)}"
    )
    header, settings = TABLES.header("7, 8"), {"tests": chosen}
    campaign = open_programme(Programme(type_evaluation.NAME, f"Type evaluation{part}", header, settings))

    def begin(run: Run, bench: Bench) -> None:
        type_evaluation.begin(run, bench, TABLES, chosen)

    campaign.carry_out("the beginning", begin)
    yield campaign
    campaign.finish(lambda run, bench: type_evaluation.finish(run, bench, TABLES))


def test_type_approval(campaign: Campaign, test: edition.Test, meter: Nameplate) -> None:
    """A sample of the type keeps what the test asks for (ISO 4064-2, 7 and 8)."""
    if test.samples and meter not in campaign.bench.batch[: test.samples]:
        pytest.skip(f"{test.clause} takes {test.samples} of the samples")
    campaign.carry_out(test.name, lambda run, bench: type_evaluation.carry_out(run, bench, TABLES, test))
    campaign.assert_clause(test.clause, meter.serial)
