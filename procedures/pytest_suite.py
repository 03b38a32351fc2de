"""The pytest face of a programme that is made of tests: one item a test and sample, carried out when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from meterbench.bench.pytest_plugin import Campaign
from meterbench.bench.session import Programme
from meterbench.dut.meter import Nameplate
from meterbench.procedures.edition import Test
from meterbench.procedures.suite import Suite


def parametrize(metafunc: pytest.Metafunc, suite: Suite) -> None:
    """Test by test, and in each of them sample by sample (which the bench's plugin adds)."""
    only = metafunc.config.getoption("--only")
    metafunc.parametrize(
        "test",
        [
            pytest.param(
                test,
                id=f"{test.clause} {test.name}",
                marks=[pytest.mark.clause(test.clause), *map(pytest.mark.requirement, test.requirements)],
            )
            for test in suite.tests
            if test.key in suite.usual or test.clause == only
        ],
    )


def campaign_of(
    request: pytest.FixtureRequest, open_programme: Callable[[Programme], Campaign], suite: Suite
) -> Iterator[Campaign]:
    """The station, open for the tests of the module that were selected; for a module's fixture."""
    here = [item for item in request.session.items if item.path == request.path]
    selected = {str(marker.args[0]) for item in here for marker in item.iter_markers("clause")}
    chosen = [test for test in suite.tests if test.clause in selected]
    part = "" if [test.key for test in chosen] == suite.usual else f", only {', '.join(test.clause for test in chosen)}"
    header, settings = suite.edition.header(suite.clause), {"tests": [test.key for test in chosen]}
    campaign = open_programme(Programme(suite.name, f"{suite.title}{part}", header, settings))
    campaign.carry_out("the beginning", lambda run, bench: suite.begin(run, bench, [test.key for test in chosen]))
    yield campaign
    campaign.finish(suite.finish)


def assert_test(campaign: Campaign, suite: Suite, test: Test, meter: Nameplate) -> None:
    """Carry ``test`` out if that was not done, and pass if ``meter`` did; skip a meter that it does not ask for."""
    __tracebackhide__ = True
    if meter not in suite.samples(campaign.bench, test):
        pytest.skip(f"{test.clause} takes {test.samples} of the samples")
    campaign.carry_out(test.name, lambda run, bench: suite.carry_out(run, bench, test))
    campaign.assert_clause(test.clause, meter.serial)
