"""The type evaluation under pytest: one conclusion a test of the standard and sample, carried out when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from meterbench.bench.pytest_plugin import Campaign
from meterbench.bench.session import Programme
from meterbench.dut.meter import Nameplate
from meterbench.procedures import edition, type_evaluation
from meterbench.procedures.pytest_suite import assert_test, campaign_of, parametrize

SUITE = type_evaluation.suite(edition.load())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item a test."""
    parametrize(metafunc, SUITE)


@pytest.fixture(scope="module")
def campaign(request: pytest.FixtureRequest, open_programme: Callable[[Programme], Campaign]) -> Iterator[Campaign]:
    """The station, open for the tests that were selected."""
    yield from campaign_of(request, open_programme, SUITE)


def test_type_approval(campaign: Campaign, test: edition.Test, meter: Nameplate) -> None:
    """A sample of the type keeps what the test asks for (ISO 4064-2, 7 and 8)."""
    assert_test(campaign, SUITE, test, meter)
