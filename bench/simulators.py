"""Which simulator stands behind which driver's name, and how each is wired to the one plant: the virtual lab's."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from meterbench.bench.supplied_meter import SuppliedMeter, SupplyServer
from meterbench.bench.virtual_operator import VirtualOperator
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.errors import ConfigError
from meterbench.instruments.analyser.rs_fsv_sim import RsFsvSim
from meterbench.instruments.analyser.tinysa_sim import TinySaSim
from meterbench.instruments.balance.mettler_mt_sics_sim import MtSicsSim
from meterbench.instruments.balance.sartorius_sbi_sim import SartoriusSbiSim
from meterbench.instruments.chamber.espec_p300_sim import EspecP300Sim
from meterbench.instruments.chamber.weiss_simserv_sim import WeissSimservSim
from meterbench.instruments.counter.keysight_53220a_sim import CounterWithInterpolatorSim, Keysight53220ASim
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.master_meter.line_tap import LineTap
from meterbench.instruments.master_meter.modbus_master_sim import ModbusMasterSim, WaterSeen
from meterbench.instruments.master_meter.profile import load_profile
from meterbench.instruments.operator.operator_panel_sim import OperatorPanelSim
from meterbench.instruments.pressure.druck_pace_sim import DruckPaceSim
from meterbench.instruments.pressure.keller_bus_sim import KellerBusSim
from meterbench.instruments.rig.modbus_plc_sim import ModbusPlcSim
from meterbench.instruments.rig.plc_logic import PlcLogic
from meterbench.instruments.rtd.meatest_m631_sim import TERMINATOR as RTD_TERMINATOR
from meterbench.instruments.rtd.meatest_m631_sim import MeatestM631Sim
from meterbench.instruments.scanner.barcode_reader_sim import BarcodeReaderSim
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.instruments.supply.keysight_e36312a_sim import KeysightE36312ASim
from meterbench.instruments.supply.keysight_n6705c_sim import KeysightN6705CSim
from meterbench.instruments.supply.rs_ngu201_sim import RsNgu201Sim
from meterbench.instruments.thermometer.fluke_1595a_sim import Fluke1595ASim
from meterbench.instruments.thermometer.keysight_34461a_sim import Keysight34461ASim
from meterbench.world.climate import Chamber
from meterbench.world.plant import Plant
from meterbench.world.radio import Medium
from meterbench.world.sensors import PlatinumProbe

ANTENNA_NOISE_DBM_HZ = -154.0
"""Thermal noise and a noise figure of 20 dB: all that a pre-scan analyser sees."""
WARM_S = 3600.0
"""Instruments that measure by themselves were switched on an hour ago."""
RTD_LEADS_OHM = 0.1
"""The pair of leads from the resistance simulator to the meter: 0.026 K of a PT1000."""


class Server(Protocol):
    """A simulator on its wire; made, started, used and stopped in the lab's loop."""

    async def start(self, wire: str = "", /) -> str:
        """Open ``wire`` (empty: the usual one); the address to give to the driver. ``ConfigError`` if it has no such
        wire."""

    async def stop(self) -> None:
        """Take it off its wire; safe to call twice."""


@runtime_checkable
class Sampled(Protocol):
    """A simulator that must look at the plant after each step of the world."""

    def sample(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Simulated:
    """An instrument of a simulated station, and what stands behind it."""

    role: str
    driver: str
    settings: Mapping[str, Any]
    slot: int
    """From 1; 0 for instruments that are no slot's."""
    plant: Plant
    meter: ReferenceMeter | None
    """What is clamped into that slot."""
    plc: PlcLogic
    chamber: Chamber | None
    """Where the station has one: all meters stand in it."""
    operator: VirtualOperator
    rng: np.random.Generator
    """A stream of its own."""
    faults: FaultPlan
    seed: int

    def now_s(self) -> float:
        """The world's time."""
        return self.plant.now_s

    def probed_temp_c(self) -> float:
        """Where the probe of this role is: in the line, or in the chamber's air (the hall's, if there is none)."""
        if self.role != "chamber_probe":
            return self.plant.water_temp_middle_c
        return self.chamber.air_temp_c if self.chamber else self.plant.air.temp_c

    @property
    def the_chamber(self) -> Chamber:
        """The chamber, of an instrument that controls it."""
        if self.chamber is None:
            raise ValueError(f"{self.role} controls a chamber, and there is none")
        return self.chamber

    def supplied_meter(self) -> SuppliedMeter:
        """The meter of the slot with the leads of this supply, which the operator can put elsewhere."""
        supplied = SuppliedMeter(self.of_slot)
        self.operator.supplied[self.of_slot.nameplate.serial] = supplied
        return supplied

    @property
    def of_slot(self) -> ReferenceMeter:
        """The meter, of an instrument that is one a slot."""
        if self.meter is None:
            raise ValueError(f"{self.role} belongs to no slot")
        return self.meter


def _rig_plc(seat: Simulated) -> Server:
    return ModbusPlcSim(seat.plc, seat.faults)


def _master_meter(seat: Simulated) -> Server:
    """In the line that its role names."""
    tap = LineTap(seat.plant, seat.role.removeprefix("master_").upper())
    return ModbusMasterSim(
        load_profile(seat.driver),
        WaterSeen(tap.flow_l_h, tap.volume_l, tap.water_temp_c, tap.density_kg_m3),
        seat.now_s,
        seat.rng,
        faults=seat.faults,
        unit_id=seat.settings.get("unit_id", 1),
        word_order=seat.settings.get("word_order"),
    )


def _mt_sics(seat: Simulated) -> Server:
    return MtSicsSim(seat.plant.pan_mass_g, seat.now_s, seat.rng, faults=seat.faults)


def _sartorius_sbi(seat: Simulated) -> Server:
    return SartoriusSbiSim(seat.plant.pan_mass_g, seat.now_s, seat.rng, faults=seat.faults)


def _keysight_34461a(seat: Simulated) -> Server:
    probe = PlatinumProbe(r0_ohm=100.0 * (1.0 + 2e-5 * float(seat.rng.standard_normal())))
    multimeter = Keysight34461ASim(
        lambda: seat.faults.measured(probe.resistance_ohm(seat.probed_temp_c()), 1e3, seat.now_s()),
        random.Random(seat.seed),
    )
    return ScpiServer(multimeter.scpi, seat.faults)


def _fluke_1595a(seat: Simulated) -> Server:
    probe = PlatinumProbe(r0_ohm=100.0 * (1.0 + 2e-5 * float(seat.rng.standard_normal())))
    return Fluke1595ASim(
        lambda: probe.resistance_ohm(seat.probed_temp_c()),
        seat.now_s,
        random.Random(seat.seed),
        seat.faults,
        channel=int(seat.settings.get("channel", 1)),
        on_for_s=WARM_S,
    )


def _rs_fsv(seat: Simulated) -> Server:
    return RsFsvSim(Medium(), seat.now_s, random.Random(seat.seed), seat.faults)


def _keysight_53220a(seat: Simulated) -> Server:
    serial = f"MY5000{seat.slot:04}"

    def pulse_count(at_s: float) -> int:
        return seat.of_slot.pulse_count(at_s)  # looked up at each call: a meter's output may be cut off while it runs

    if seat.settings.get("interpolate", False):
        pair = CounterWithInterpolatorSim(pulse_count, seat.now_s, seat.faults, serial)
        seat.plant.diverter.listeners.append(pair.on_gate)
        return pair
    counter = Keysight53220ASim(pulse_count, serial)
    seat.plant.diverter.listeners.append(counter.on_gate)
    return ScpiServer(counter.scpi, seat.faults)


def _keysight_e36312a(seat: Simulated) -> Server:
    load_ohm = 47.0
    supply = KeysightE36312ASim(
        {int(seat.settings["channel"]): lambda voltage_v: 1000.0 * voltage_v / load_ohm}, seat.faults, seat.now_s
    )
    return ScpiServer(supply.scpi, seat.faults)


def _druck_pace(seat: Simulated) -> Server:
    gauge = DruckPaceSim(
        lambda: seat.plant.pressure_upstream_kpa,
        seat.faults,
        seat.now_s,
        full_scale_kpa=float(seat.settings["full_scale_kpa"]),
        gain_error=1e-4 * float(seat.rng.standard_normal()),
    )
    return ScpiServer(gauge.scpi, seat.faults)


def _keller_bus(seat: Simulated) -> Server:
    return KellerBusSim(
        lambda: seat.plant.pressure_upstream_kpa,
        seat.now_s,
        seat.rng,
        full_scale_kpa=float(seat.settings.get("full_scale_kpa", 1600.0)),
        address=int(seat.settings.get("address", 1)),
        echo=bool(seat.settings.get("echo", False)),
        faults=seat.faults,
    )


def _barcode_reader(seat: Simulated) -> Server:
    return BarcodeReaderSim(
        seat.settings.get("prefix", ""),
        seat.settings.get("suffix", ""),
        b"\r\n" if seat.settings.get("ends_in") == "CR LF" else b"\r",
        seat.faults,
        label=lambda: seat.operator.presented,
        now_s=seat.now_s,
    )


def _operator_panel(seat: Simulated) -> Server:
    return OperatorPanelSim(seat.operator.begin, seat.now_s, faults=seat.faults)


def _tinysa(seat: Simulated) -> Server:
    return TinySaSim(
        lambda frequency_hz, bandwidth_hz: np.full(
            len(frequency_hz), ANTENNA_NOISE_DBM_HZ + 10.0 * np.log10(bandwidth_hz)
        ),
        seat.now_s,
        faults=seat.faults,
    )


def _meatest_m631(seat: Simulated) -> Server:
    probe = seat.of_slot.probe
    if probe.resistance_input is None:
        raise ConfigError(
            f"{seat.role}: the meter in slot {seat.slot} has no input for a PT1000;"
            ' give its section in the station file sensor = "pt1000", or take the resistance simulator out'
        )
    decade = MeatestM631Sim(gain_error=1.5e-5 * float(seat.rng.standard_normal()))
    probe.play_resistance(lambda: decade.resistance_ohm() + RTD_LEADS_OHM)
    return ScpiServer(decade.scpi, seat.faults, RTD_TERMINATOR)


def _chamber_sensor_error_k(seat: Simulated) -> float:
    """What a chamber's own sensor shows too much: 0.3 K, standard deviation."""
    return 0.3 * float(seat.rng.standard_normal())


def _chamber_humidity_error_percent(seat: Simulated) -> float:
    """The same of the relative humidity: 0.5 %."""
    return 0.5 * float(seat.rng.standard_normal())


def _weiss_simserv(seat: Simulated) -> Server:
    return WeissSimservSim(
        seat.the_chamber,
        seat.now_s,
        sensor_error_k=_chamber_sensor_error_k(seat),
        humidity_error_percent=_chamber_humidity_error_percent(seat),
        faults=seat.faults,
    )


def _espec_p300(seat: Simulated) -> Server:
    return EspecP300Sim(
        seat.the_chamber,
        seat.now_s,
        sensor_error_k=_chamber_sensor_error_k(seat),
        humidity_error_percent=_chamber_humidity_error_percent(seat),
        rs485_address=seat.settings.get("rs485_address"),
        faults=seat.faults,
    )


def _rs_ngu201(seat: Simulated) -> Server:
    box = RsNgu201Sim(seat.supplied_meter(), seat.now_s, seat.rng, sense=_sense(seat), serial=f"{101000 + seat.slot}")
    return SupplyServer(box, seat.faults)


def _keysight_n6705c(seat: Simulated) -> Server:
    box = KeysightN6705CSim(
        seat.supplied_meter(), seat.now_s, seat.rng, sense=_sense(seat), serial=f"MY5300{seat.slot:04}"
    )
    return SupplyServer(box, seat.faults)


def _sense(seat: Simulated) -> Callable[[float, float], float]:
    """A sensor that saturates and drifts by the seat's faults."""
    return lambda true, full_scale: seat.faults.measured(true, full_scale, seat.now_s())


SIMULATORS: dict[str, Callable[[Simulated], Server]] = {
    "rig_plc": _rig_plc,
    "krohne_mfc400": _master_meter,
    "krohne_ifc300": _master_meter,
    "siemens_mag6000": _master_meter,
    "endress_promass": _master_meter,
    "mt_sics": _mt_sics,
    "sartorius_sbi": _sartorius_sbi,
    "keysight_34461a": _keysight_34461a,
    "keysight_53220a": _keysight_53220a,
    "fluke_1595a": _fluke_1595a,
    "rs_fsv": _rs_fsv,
    "rs_ngu201": _rs_ngu201,
    "keysight_n6705c": _keysight_n6705c,
    "weiss_simserv": _weiss_simserv,
    "espec_p300": _espec_p300,
    "keysight_e36312a": _keysight_e36312a,
    "druck_pace": _druck_pace,
    "keller_bus": _keller_bus,
    "barcode_reader": _barcode_reader,
    "tinysa": _tinysa,
    "meatest_m631": _meatest_m631,
    "operator_panel": _operator_panel,
}
"""By the name of the driver that speaks with it."""
