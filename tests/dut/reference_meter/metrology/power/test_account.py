"""Coulomb counting (ADR-045; metering.md 5.4, 5.5)."""

from __future__ import annotations

import pytest

from meterbench.dut.reference_meter.metrology.power.account import Account
from meterbench.dut.reference_meter.metrology.power.activity import Activity, Radio
from meterbench.dut.reference_meter.metrology.power.nominal import nominal_figures
from meterbench.dut.reference_meter.metrology.power.places import Place

YEAR_S = 8766.0 * 3600.0


def account_of(*places: Place) -> Account:
    account = Account(nominal_figures())
    for place in places:
        account.exchange(place)
    return account


def test_nominal_currents() -> None:
    """13.2 uA of the meter and 2 uA of the capacitor; a LoRa report of 96.2 mC every 12 h and the modem's sleep."""
    figures = nominal_figures()
    assert figures.mean_ma(Activity(8.0, lcd=True)) == pytest.approx(0.0152)
    assert figures.mean_ma(Activity(0.0, lcd=False)) == pytest.approx(0.0052)
    sending = Activity(8.0, lcd=True, transmissions=((Radio.LORA_SF12, 43_200.0),))
    assert figures.mean_ma(sending) == pytest.approx(0.0152 + 96.2 / 43_200.0 + 0.0006)
    assert set(figures.event_mc) == {radio.value for radio in Radio}


def test_sixteen_years_of_the_seeds_average_leave_more_than_half() -> None:
    """C1 at 23.44 uA less the checks': by Q0 - I H (e^sy - 1)/s, then e^-sy: 3522 mAh gone of the start charge."""
    account = account_of(Place.C1)
    account.spend(16.0 * YEAR_S, 0.02344 - nominal_figures().check_ma, [Place.C1])
    assert account.remaining_mah[Place.C1] == pytest.approx((7700.0 - 3565.3) * 0.852144, abs=1.0)


@pytest.mark.requirement("ADR-056")
def test_half_a_year_of_measurement_after_fifteen_and_a_half() -> None:
    """An idle backup keeps 1028 mAh (metering.md 5.4) less the checks' 2.45 mAh a year; the half year takes 67 mAh."""
    account = account_of(Place.BACKUP)
    account.spend(15.5 * YEAR_S, 0.0152, [])
    idle_mah = account.remaining_mah[Place.BACKUP]
    assert idle_mah == pytest.approx(1027.7 - 35.3, abs=0.5)
    account.spend(0.5 * YEAR_S, 0.0152, [Place.BACKUP])
    assert idle_mah - account.remaining_mah[Place.BACKUP] == pytest.approx(0.01548 * 4383.0 + 0.005 * 992.0, abs=0.5)


def test_c1_and_c2_pay_half_each() -> None:
    account = account_of(Place.C1, Place.C2, Place.EXTERNAL)
    account.spend(YEAR_S, 0.1, [Place.C1, Place.C2])
    assert account.remaining_mah[Place.C1] == account.remaining_mah[Place.C2]
    assert account.remaining_mah[Place.C1] == pytest.approx(7700.0 - 76.6 - 0.05028 * 8766.0 * 0.995, abs=0.5)
    assert account.remaining_mah[Place.EXTERNAL] == pytest.approx(5200.0 * 0.99005 - 2.44, abs=0.1)


def test_fractions() -> None:
    """Of both C cells together; none without a pack; never below zero."""
    account = account_of(Place.C1, Place.C2)
    account.clamp(Place.C1)
    assert account.fraction([Place.C1, Place.C2]) == pytest.approx(0.5)
    assert account.fraction([Place.EXTERNAL]) is None
    account.spend(YEAR_S, 10.0, [Place.C2])
    assert account.fraction([Place.C1, Place.C2]) == 0.0
    account.remove(Place.C2)
    assert account.fraction([Place.C2]) is None


def test_a_copy_is_on_its_own() -> None:
    account = account_of(Place.C1)
    twin = account.copy()
    twin.clamp(Place.C1)
    assert account.remaining_mah[Place.C1] == 7700.0
