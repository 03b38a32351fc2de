"""The table of the drivers: what a station file may set."""

from __future__ import annotations

import pytest

from meterbench.instruments.drivers import DRIVERS, settings_model


@pytest.mark.parametrize("driver", [name for name in DRIVERS if settings_model(name)])
def test_no_number_of_the_settings_is_without_bounds(driver: str) -> None:
    """A baud rate of 0 or a wait of -1 s is refused with its key, and not met as a riddle in a link."""
    model = settings_model(driver)
    assert model is not None
    numbers = {key: each for key, each in model.model_json_schema()["properties"].items() if _is_number(each)}
    assert {key: each for key, each in numbers.items() if not _bounded(each)} == {}


def _is_number(schema: dict[str, object]) -> bool:
    return schema.get("type") in ("integer", "number") and not {"enum", "const"} & set(schema)


def _bounded(schema: dict[str, object]) -> bool:
    return any("inimum" in name for name in schema) and any("aximum" in name for name in schema)
