"""What the consumers draw, against the figures of metering.md 5.3."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.power.figures import read_figures
from meterbench.dut.reference_meter.hardware.power.loads import Loads, draw_loads, lora_time_on_air_s
from meterbench.dut.reference_meter.metrology.power.activity import Activity, Radio

DAY_S = 86_400.0
MEASUREMENT = Activity(8.0, lcd=True)


@pytest.mark.parametrize(
    ("spreading_factor", "payload_bytes", "on_air_s"),
    [(7, 64, 0.118), (9, 64, 0.390), (10, 43, 0.534), (12, 43, 2.138)],
)
def test_lora_time_on_air(spreading_factor: int, payload_bytes: int, on_air_s: float) -> None:
    assert lora_time_on_air_s(spreading_factor, payload_bytes) == pytest.approx(on_air_s, abs=6e-4)


def added_ua(*transmissions: tuple[Radio, float]) -> float:
    """What transmissions add to the mean current, but for the modem's sleep."""
    loads = Loads()
    sleep_ua = {"lora": 0.6, "nb_iot": 4.0}
    used = {modem for modem in sleep_ua for radio, _ in transmissions if radio.value.startswith(modem)}
    mean_ma = loads.demand(Activity(8.0, lcd=True, transmissions=transmissions)).mean_ma
    return 1e3 * (mean_ma - loads.demand(MEASUREMENT).mean_ma) - sum(sleep_ua[modem] for modem in used)


@pytest.mark.parametrize(
    ("radio", "interval_s", "mean_ua", "tolerance_ua"),
    [
        (Radio.LORA_SF12, DAY_S / 2, 2.23, 0.005),
        (Radio.LORA_SF12, 3600.0, 26.7, 0.05),
        (Radio.NB_IOT, DAY_S / 2, 3.5, 0.05),
        (Radio.WMBUS_C1, 20.0, 8.4, 0.05),
        (Radio.WMBUS_C1, 900.0, 0.2, 0.05),
        (Radio.BLE_ADVERTISING, 1.0, 15.0, 0.05),
    ],
)
def test_mean_currents(radio: Radio, interval_s: float, mean_ua: float, tolerance_ua: float) -> None:
    """wM-Bus: between 7.2 uA at 30 mA and 9.6 uA at 40 mA. BLE: 10 to 20 uA."""
    assert added_ua((radio, interval_s)) == pytest.approx(mean_ua, abs=tolerance_ua)


@pytest.mark.requirement("ADR-056")
def test_measurement_mode_draws_what_the_description_says() -> None:
    """13.2 uA with 8 measurements a second and display; a dry pipe saves three quarters of the measuring."""
    assert Loads().demand(MEASUREMENT).mean_ma == pytest.approx(0.0132, abs=1e-9)
    assert Loads().demand(Activity(2.0, lcd=True)).mean_ma == pytest.approx(0.0132 - 0.00525, abs=1e-9)
    assert Loads().demand(Activity(0.0, lcd=False)).mean_ma == pytest.approx(0.0032, abs=1e-9)


@pytest.mark.requirement("ADR-083")
def test_idle_nfc_takes_nothing() -> None:
    """The tag lives on the reader's field; only a processor that it wakes counts: 2 mC an hour are 0.56 uA."""
    assert added_ua((Radio.NFC, 3600.0)) == pytest.approx(0.556, abs=1e-3)


def test_the_peak_is_that_of_the_strongest_transmission() -> None:
    both = Activity(8.0, lcd=True, transmissions=((Radio.WMBUS_C1, 20.0), (Radio.NB_IOT, DAY_S)))
    assert Loads().demand(both).peak_ma == 250.0
    assert Loads().demand(MEASUREMENT).peak_ma == pytest.approx(0.0132)


def test_units_differ_by_five_percent() -> None:
    """500 units spread over +-5 %, each consumer on its own; the same seed gives the same unit."""
    units = [draw_loads(np.random.default_rng(seed)) for seed in range(500)]
    charges_mc = np.array([unit.event(Radio.LORA_SF12).charge_mc for unit in units]) / 96.215
    assert 0.949 < charges_mc.min() < 0.955
    assert 1.045 < charges_mc.max() < 1.051
    ble_mc = np.array([unit.event(Radio.BLE_SESSION).charge_mc for unit in units])
    assert abs(np.corrcoef(charges_mc, ble_mc)[0, 1]) < 0.15
    again = draw_loads(np.random.default_rng(7)).demand(MEASUREMENT)
    assert again == units[7].demand(MEASUREMENT)


def test_every_figure_says_where_it_is_from() -> None:
    assert all(figure.source for table in read_figures("loads.toml").values() for figure in table.values())


def test_impossible_activities_are_refused() -> None:
    with pytest.raises(ValueError, match="every 0"):
        Activity(8.0, lcd=True, transmissions=((Radio.NFC, 0.0),))
    with pytest.raises(ValueError, match="times a second"):
        Activity(float("nan"), lcd=True)
