"""The station file: what cannot be meant is refused in one sentence with the key's path and the allowed values."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import meterbench
from meterbench.bench.station import STANDARD_INSTRUMENTS, load, parse
from meterbench.errors import ConfigError

VIRTUAL = Path(meterbench.__file__).parent / "stations" / "virtual.toml"
DELETE = object()
Content = dict[str, Any]


@pytest.fixture
def content() -> Content:
    """The virtual station's file as tables."""
    return tomllib.loads(VIRTUAL.read_text(encoding="utf-8"))


def put(tables: Any, path: str, value: object) -> None:
    """Set (or delete) what stands at a path like ``virtual.meters.0.ratio``."""
    *way, last = path.split(".")
    for step in way:
        tables = tables[int(step)] if isinstance(tables, list) else tables[step]
    if value is DELETE:
        del tables[last]
    else:
        tables[int(last) if isinstance(tables, list) else last] = value


def real(content: Content) -> Content:
    """The same station with real addresses on the wall clock."""
    content["station"]["clock"] = "wall"
    content["meters"] = [{k: v for k, v in meter.items() if k != "truth"} for meter in content["virtual"]["meters"]]
    del content["virtual"]
    for role, section in content["instruments"].items():
        section["address"] = f"{role}:502"
    content["instruments"]["supply"]["address"] = ["supply:5025"]
    content["instruments"]["counter"]["address"] = [f"counter{slot}:5025" for slot in range(4)]
    return content


def refusal(content: Content) -> str:
    with pytest.raises(ConfigError) as refused:
        parse(content, "bench.toml")
    message = str(refused.value)
    assert message.startswith("bench.toml: ")
    assert "\n" not in message
    return message.removeprefix("bench.toml: ")


def test_the_virtual_station() -> None:
    """The file that comes with the house: four meters in order, certificates in the bench's units."""
    station = load(VIRTUAL)
    assert [str(nameplate.serial) for nameplate in station.batch()] == [f"1000000{slot}" for slot in range(1, 5)]
    assert station.batch()[0].rating.q1_l_h == 1.5625
    certificate = station.certificate("rig")
    assert certificate
    assert (certificate.due, certificate.expanded_uncertainty) == (date(2027, 6, 30), 0.005)
    assert station.station.reference().cover_opening_m2 == pytest.approx(1e-4)


def test_a_real_station(content: Content) -> None:
    """With addresses and ``[[meters]]`` it is a real one; an instrument without calibration has no certificate."""
    del content["instruments"]["balance"]["calibration"]
    station = parse(real(content), "bench.toml")
    assert station.virtual is None
    assert station.instrument("counter").addresses == [f"counter{slot}:5025" for slot in range(4)]
    assert station.instrument("rig").addresses == ["rig:502"]
    assert station.certificate("balance") is None


METER_KEYS = "serial, designation, q3_m3_h, ratio, pulse_volume_ml"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("secrets", {}, "secrets: unknown key; allowed: schema, station, virtual, meters, type, instruments"),
        ("station.clok", 1, "station.clok: unknown key; allowed: name, clock, air_pressure_hpa, "),
        ("virtual.watertemp", 1, "virtual.watertemp: unknown key; allowed: seed, water_temp_c, "),
        ("virtual.meters.2.dn", 15, f"virtual.meters[2].dn: unknown key; allowed: {METER_KEYS}, sensor, truth"),
        ("virtual.meters.1.truth.gain", 1,
         "virtual.meters[1].truth.gain: unknown key; allowed: zero_offset_ps, gain_percent, noise_ps, "
         "zero_slope_ps_k, amplitude_loss_percent, mismatch_db, water_leak_l_h"),
        ("instruments.scale", {}, "instruments.scale: unknown key; allowed: rig, balance, thermometer, counter"),
        ("instruments.balance.port", 1,
         "instruments.balance.port: unknown key; allowed: driver, address, settings, calibration"),
        ("instruments.thermometer.probe.d", 1,
         "instruments.thermometer.probe.d: unknown key; allowed: r0_ohm, a, b, c"),
        ("instruments.rig.calibration.dated", 1,
         "instruments.rig.calibration.dated: unknown key; allowed: certificate, serial, issued_by, date, due, "
         "coverage_factor, expanded_uncertainty, points, check_every_days, check_limit, checks"),
        ("virtual.faults", {"rig": [{"kind": "late", "delay": 1}]},
         "virtual.faults.rig[0].delay: unknown key; allowed: kind, after, count, delay_s"),
        ("schema", DELETE, "schema: missing"),
        ("schema", 2, "schema: Input should be 1"),
        ("station.name", DELETE, "station.name: missing"),
        ("station.clock", "sundial", "station.clock: Input should be 'virtual' or 'wall'"),
        ("station.air_pressure_hpa", 101325, "station.air_pressure_hpa: Input should be less than or equal to 1100"),
        ("station.air_pressure_hpa", float("nan"), "station.air_pressure_hpa: "),
        ("station.reproducibility_percent", float("nan"), "station.reproducibility_percent: "),
        ("instruments.thermometer.probe.a", float("nan"), "instruments.thermometer.probe.a: "),
        ("instruments.balance", DELETE, "instruments.balance: missing; allowed drivers: mt_sics"),
        ("instruments.counter", DELETE, "instruments.counter: missing; allowed drivers: keysight_53220a"),
        ("instruments.balance.driver", DELETE, "instruments.balance.driver: missing"),
        ("instruments.balance.driver", "rig_plc", "'rig_plc' cannot be the balance; allowed: mt_sics"),
        ("instruments.balance.calibration.expanded_uncertainty", "0.3 K",
         "balance.calibration.expanded_uncertainty: '0.3 K' is not a number with one of the units g, kg, mg"),
        ("instruments.balance.calibration.expanded_uncertainty", "0 g", "an expanded uncertainty is positive"),
        ("instruments.balance.calibration.due", "next year", "instruments.balance.calibration.due: "),
        ("instruments.balance.calibration.due", DELETE, "instruments.balance.calibration.due: missing"),
        ("virtual.meters", [], "virtual.meters: List should have at least 1 item"),
        ("virtual.meters.0.q3_m3_h", 2.6,
         "virtual.meters[0]: ADR15-1-1: no variant has Q3 2.6 m3/h with R 1600; "
         "allowed are Q3 1.6 with R 250, 400, 800; Q3 2.5 with R 250, 400, 800, 1600"),
        ("virtual.meters.0.ratio", 500, "no variant has Q3 2.5 m3/h with R 500; allowed are Q3 1.6 with R 250"),
        ("virtual.meters.0.designation", "ADR17-1-1",
         "virtual.meters[0]: ADR17-1-1: there is no DN 17; allowed are 15, 20, 25"),
        ("virtual.meters.0.pulse_volume_ml", 1e-7, "allowed are whole nanolitres above zero"),
        ("virtual.meters.1.serial", "10000001", "meters: serial 10000001 is in the line twice"),
        ("virtual.meters.1.serial", 10000002, "virtual.meters[1].serial: Input should be a valid string"),
        ("meters", [{"serial": "1", "designation": "ADR15-1-1", "q3_m3_h": 2.5, "ratio": 1600}],
         "meters: a simulated station lists its meters as [[virtual.meters]]"),
        ("virtual", DELETE, "station.clock: a real station runs on clock"),
        ("instruments.operator", {"driver": "operator_script"},
         "instruments.operator.address: nobody simulates a person; give"),
        ("virtual.faults", {"rtd": [{"kind": "late"}]}, "virtual.faults.rtd: the station simulates no rtd; it has "),
        ("instruments.counter.address", [], "instruments.counter.address: 0 addresses; give one a slot, as a list"),
        ("instruments.thermometer.probe.a", 0.0, "instruments.thermometer.probe.a: Input should be greater than"),
        ("instruments.thermometer.probe.b", 5.775e-7, "instruments.thermometer.probe.b: Input should be less than"),
        ("instruments.master_a.settings", {"accept_low_flow_cutoff": "yes"},
         "master_a.settings.accept_low_flow_cutoff: Input should be a valid boolean"),
        ("instruments.aux_supply.settings", {"channel": "1", "overvoltage_v": 5.5},
         "aux_supply.settings.channel: Input should be a valid integer"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(content: Content, path: str, value: object, message: str) -> None:
    """One sentence with the key's path and what is allowed there."""
    put(content, path, value)
    assert message in refusal(content)


def test_every_complaint_is_named_at_once(content: Content) -> None:
    """Three mistakes in a file are three complaints in one refusal."""
    for path, value in (("schema", 7), ("station.colour", "red"), ("virtual.seed", -1)):
        put(content, path, value)
    message = refusal(content)
    assert all(path in message for path in ("schema: ", "station.colour: unknown key", "virtual.seed: "))


def test_no_key_has_a_second_name(content: Content) -> None:
    """``schema`` is not called ``format``: a key that the reference doesn't list is unknown."""
    del content["schema"]
    content["format"] = 1
    assert "format: unknown key" in refusal(content)


def shared_counter(content: Content) -> None:
    content["instruments"]["counter"]["address"] = ["c1:5025", "c2:5025", "c1:5025", "c4:5025"]


def few_counters(content: Content) -> None:
    content["instruments"]["counter"]["address"] = ["c1:5025", "c2:5025"]


def no_balance(content: Content) -> None:
    content["instruments"]["balance"]["address"] = []


def two_balances(content: Content) -> None:
    content["instruments"]["balance"]["address"] = ["/dev/ttyUSB0", "/dev/ttyUSB1"]


def no_address(content: Content) -> None:
    del content["instruments"]["rig"]["address"]


def no_meters(content: Content) -> None:
    content["meters"] = []


def numeric(content: Content) -> None:
    content["instruments"]["balance"]["address"] = 5025


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shared_counter, "instruments.counter.address: "),
        (few_counters, "instruments.counter.address: 2 counters for 4 meters; give one a slot, as a list"),
        (no_balance, "instruments.balance.address: "),
        (two_balances, "instruments.balance.address: "),
        (no_address, "instruments.rig.address: missing; there is no [virtual] lab to provide one"),
        (no_meters, "meters: no meter in the line; list them as [[meters]]"),
        (numeric, "instruments.balance.address: Input should be a valid"),
    ],
)
def test_addresses_fit_their_roles(content: Content, spoil: Callable[[Content], None], message: str) -> None:
    """One address a role, one counter a slot: a shared counter would judge a meter by another's pulses."""
    content = real(content)
    spoil(content)
    assert message in refusal(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"schema = = 1", "not TOML: Invalid value (at line 1, column 10)"),
        (b"schema = 1\nschema = 1\n", "(a key stands twice)"),
        (b"name = '\xff'", "it is not UTF-8 text"),
        (b"", "schema: missing; station: missing; instruments: missing"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: bytes, message: str) -> None:
    """Bad TOML names line and column; other bytes, and an empty file, are refused in one sentence with the path."""
    path = tmp_path / "bench.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert str(path) in str(refused.value)
    assert message in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path without a file, or one that is a folder, says so."""
    with pytest.raises(ConfigError, match=r"none\.toml: No such file or directory"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)


def test_a_simulated_station_may_leave_out_its_instruments(tmp_path: Path) -> None:
    """``[virtual]`` alone gets the standard instruments, every role with a certificate."""
    meter = '[[virtual.meters]]\nserial = "1"\ndesignation = "ADR20-1-1"\nq3_m3_h = 4\nratio = 1600\n'
    path = tmp_path / "bench.toml"
    path.write_text(f'schema = 1\n[station]\nname = "v"\nclock = "virtual"\n{meter}')
    station = load(path)
    assert all(station.certificate(role) for role in STANDARD_INSTRUMENTS)
    assert station.batch()[0].rating.q2_l_h == 4.0


def test_more_and_fewer_meters() -> None:
    """``--meters`` drops from the end, or adds good units like the last one with serials of their own."""
    station = load(VIRTUAL)
    assert [meter.serial for meter in station.with_line(None, 2, None).batch()] == ["10000001", "10000002"]
    more = station.with_line(None, 6, None)
    assert [meter.serial for meter in more.batch()] == [f"1000000{slot}" for slot in range(1, 7)]
    assert more.virtual
    assert more.virtual.meters[3].truth == station.virtual.meters[3].truth  # type: ignore[union-attr]
    assert more.virtual.meters[5].truth.zero_offset_ps == 0.0
    assert more.virtual.meters[5].designation == "ADR15-2-1"


def test_meters_of_another_kind_and_another_seed() -> None:
    """``--meter`` takes the designation's largest Q3 and ratio for all; ``--seed`` another world; truths stay."""
    station = load(VIRTUAL).with_line("ADR25-2-3", 1, 77)
    assert station.virtual
    (meter,) = station.virtual.meters
    assert (meter.designation, meter.q3_m3_h, meter.ratio) == ("ADR25-2-3", Decimal("6.3"), 1600)
    assert station.virtual.seed == 77


def test_nothing_asked_changes_nothing() -> None:
    """Without options the station is the file's."""
    station = load(VIRTUAL)
    assert station.with_line(None, None, None) is station


@pytest.mark.parametrize(
    "options", [("ADR17-1-1", None, None), ("ADR15", None, None), (None, 0, None), (None, -1, None), (None, None, -1)]
)
def test_an_impossible_line_is_refused(options: tuple[Any, ...]) -> None:
    """A designation that is not made, no meters, a negative seed: refused, not guessed."""
    with pytest.raises(ConfigError):
        load(VIRTUAL).with_line(*options)


def test_a_real_stations_line_is_its_files(content: Content) -> None:
    """Options cannot invent meters in a real line."""
    with pytest.raises(ConfigError, match=r"for simulated stations; edit \[\[meters\]\] instead"):
        parse(real(content), "bench.toml").with_line(None, 2, None)


def test_what_a_file_leaves_to_defaults_is_named(content: Content) -> None:
    """Barometer, control chart and dead volume of a real rig are not what a program assumes."""
    stated = dict(content["station"])
    assert parse(content | {"station": stated}, "test").station.assumed() == []
    del stated["air_pressure_hpa"], stated["reproducibility_percent"]
    assumed = parse(content | {"station": stated}, "test").station.assumed()
    assert assumed == ["air_pressure_hpa", "reproducibility_percent"]
