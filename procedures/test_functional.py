"""The functions of an ADR meter under pytest: one conclusion a function and sample, carried out when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from meterbench.bench.pytest_plugin import Campaign
from meterbench.bench.session import Programme
from meterbench.dut.meter import Nameplate
from meterbench.procedures import edition, functional
from meterbench.procedures.pytest_suite import assert_test, campaign_of, parametrize

SUITE = functional.suite()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item a function."""
    parametrize(metafunc, SUITE)


@pytest.fixture(scope="module")
def campaign(request: pytest.FixtureRequest, open_programme: Callable[[Programme], Campaign]) -> Iterator[Campaign]:
    """The station, open for the functions that were selected."""
    yield from campaign_of(request, open_programme, SUITE)


def test_functional(campaign: Campaign, test: edition.Test, meter: Nameplate) -> None:
    """A sample does what its technical description says."""
    assert_test(campaign, SUITE, test, meter)
