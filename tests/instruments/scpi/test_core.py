"""The simulated instrument: answers, error queue, status, overlapped operation."""

from __future__ import annotations

import asyncio

import pytest

from meterbench.instruments.scpi.core import Call, ScpiInstrument
from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import Boolean, Number, block


def supply() -> ScpiInstrument:
    """A power supply with two outputs, and a ramp that takes its time."""
    instrument = ScpiInstrument("Acme,PS2,42,1.0", on_reset=lambda: None)
    instrument.setting("[SOURce<2>:]VOLTage", Number(0.0, 30.0, "V"), 0.0)

    def ramp(_: Call) -> None:
        instrument.begin()

    instrument.command("RAMP", ramp)
    instrument.command("MEASure:ALL?", lambda _: "1.5,2.5")
    return instrument


def ask(instrument: ScpiInstrument, message: str) -> str | None:
    return asyncio.run(instrument.execute(message))


def test_several_queries_are_one_answer() -> None:
    """Joined by ``;`` (instruments.md 4.6); a command has none."""
    instrument = supply()
    assert ask(instrument, "VOLT 3;VOLT?;:MEAS:ALL?") == "+3.00000000E+00;1.5,2.5"
    assert ask(instrument, "VOLT 4") is None


def test_setting_for_each_suffix_and_its_reset() -> None:
    """Output 2 is not output 1; ``*RST`` resets both but not the status."""
    instrument = supply()
    assert ask(instrument, "SOUR1:VOLT 1;:SOURCE2:VOLTAGE 2000 mV;:VOLT?;:SOUR2:VOLT?") == (
        "+1.00000000E+00;+2.00000000E+00"
    )
    ask(instrument, "BOGUS")
    assert ask(instrument, "*RST;:SOUR2:VOLT?;:SYST:ERR?") == '+0.00000000E+00;-113,"Undefined header;BOGUS"'


def test_error_flow_of_the_published_vector() -> None:
    """instruments.md 11.14: -113 once, then none; ``*ESR?`` 32 and then 0; status bit 5 with ``*ESE 32``."""
    instrument = supply()
    ask(instrument, "*CLS")
    assert ask(instrument, "BOGUS") is None
    assert ask(instrument, "*ESE 32;*STB?") == "36"
    assert ask(instrument, "SYST:ERR?") == '-113,"Undefined header;BOGUS"'
    assert ask(instrument, "SYSTEM:ERROR:NEXT?") == '0,"No error"'
    assert ask(instrument, "*ESR?") == "32"
    assert ask(instrument, "*ESR?") == "0"


@pytest.mark.parametrize(
    ("message", "code", "event"),
    [
        ("VOLT", -109, 32),
        ("VOLT 1,2", -108, 32),
        ("VOLT? 1", -108, 32),
        ("VOLT 31", -222, 16),
        ("SOUR3:VOLT 1", -114, 32),
        ("RAMP?", -113, 32),
        ("RAMP;RAMP", -213, 16),
        ("*IDN?;VOLT?", -440, 4),
    ],
)
def test_refusals(message: str, code: int, event: int) -> None:
    """Each with its number in the queue and its class in the event register."""
    instrument = supply()
    ask(instrument, "*CLS")
    ask(instrument, message)
    assert str(ask(instrument, "SYST:ERR?")).startswith(f"{code},")
    assert ask(instrument, "*ESR?") == str(event)


def test_command_error_ends_the_message_and_others_do_not() -> None:
    """After a command error the rest is not carried out; after an execution error it is."""
    instrument = supply()
    assert ask(instrument, "VOLT 99;VOLT?") == "+0.00000000E+00"
    assert ask(instrument, "BOGUS;VOLT?") is None


def test_full_queue_loses_the_newest_not_the_oldest() -> None:
    """The last entry becomes -350 (SCPI-99 volume 2, 21.8.1)."""
    instrument = supply()
    for number in range(30):
        ask(instrument, f"BOGUS{number}")
    entries = [str(ask(instrument, "SYST:ERR?")) for _ in range(21)]
    assert entries[0] == '-113,"Undefined header;BOGUS0"'
    assert entries[18:] == ['-113,"Undefined header;BOGUS18"', '-350,"Queue overflow"', '0,"No error"']


def test_quotes_in_an_error_text_are_doubled() -> None:
    """The entry stays one quoted string."""
    assert str(ScpiError(-104, 'say "x"')) == '-104,"Data type error;say ""x"""'


def test_opc_is_set_when_the_pending_operation_ends() -> None:
    """``*OPC`` marks the end in the event register; without a pending operation at once."""
    instrument = supply()
    ask(instrument, "*CLS;RAMP;*OPC")
    assert ask(instrument, "*ESR?") == "0"
    instrument.complete()
    assert ask(instrument, "*ESR?") == "1"
    assert ask(instrument, "*OPC;*ESR?") == "1"


def test_cls_forgets_a_waiting_opc() -> None:
    """IEEE 488.2, 10.3: ``*CLS`` returns to the idle state of ``*OPC``."""
    instrument = supply()
    ask(instrument, "RAMP;*OPC;*CLS")
    instrument.complete()
    assert ask(instrument, "*ESR?") == "0"


def test_wai_and_opc_query_wait() -> None:
    """What comes behind is carried out when the operation has ended."""
    instrument = supply()

    async def ramp_and_ask() -> tuple[bool, str | None]:
        question = asyncio.create_task(instrument.execute("RAMP;*WAI;*OPC?;VOLT?"))
        await asyncio.sleep(0.01)
        waited = not question.done()
        instrument.complete()
        return waited, await question

    assert asyncio.run(ramp_and_ask()) == (True, "1;+0.00000000E+00")


def test_enable_masks_and_service_request() -> None:
    """The master summary follows ``*SRE``; the masks read back; message available while an answer waits."""
    instrument = supply()
    assert ask(instrument, "*CLS;*ESE 1;*SRE 32;*OPC;*ESE?;*SRE?;*TST?;*STB?") == "1;32;0;112"


def test_setting_of_each_channel_with_a_list_behind() -> None:
    """``VOLT 3,(@2)``: each channel has its own limits, a list sets all or none, without a list it is the lowest."""
    instrument = supply()
    instrument.channel_setting("LIMit", {1: Number(0.0, 6.0), 2: Number(0.0, 25.0)}, 1.0)
    assert ask(instrument, "LIM 3,(@2);LIM? (@1,2);LIM?") == "+1.00000000E+00,+3.00000000E+00;+1.00000000E+00"
    assert ask(instrument, "LIM 20,(@2,1);LIM? (@1:2)") == "+1.00000000E+00,+3.00000000E+00"
    assert ask(instrument, "SYST:ERR?") == '-222,"Data out of range;20"'
    assert ask(instrument, "LIM 2;LIM? (@1:2)") == "+2.00000000E+00,+3.00000000E+00"
    assert ask(instrument, "LIM 2,(@3);SYST:ERR?") == '-222,"Data out of range;(@3)"'
    assert ask(instrument, "*RST;LIM? (@1:2)") == "+1.00000000E+00,+1.00000000E+00"


def test_restart_is_as_after_power_on() -> None:
    """Settings, masks and errors are gone, the power-on bit is there, nothing is pending."""
    resets: list[int] = []
    instrument = ScpiInstrument("Acme,PS2,42,1.0", on_reset=lambda: resets.append(1))
    on = instrument.setting("OUTPut", Boolean(), False)
    ask(instrument, "*ESR?;OUTP ON;*ESE 32;BOGUS")
    instrument.begin()
    instrument.restart()
    assert (on.get(), instrument.busy, resets) == (False, False, [1])
    assert ask(instrument, "*ESE?;SYST:ERR?;*ESR?") == '0;0,"No error";128'


def test_a_later_command_replaces_an_earlier_one() -> None:
    """Boxes differ in common commands, too."""
    instrument = supply()
    instrument.command("SYSTem:ERRor[:NEXT]?", lambda _: ':SYST:ERR 0,"No error"')
    assert ask(instrument, "SYST:ERR?") == ':SYST:ERR 0,"No error"'


@pytest.mark.parametrize(
    ("payload", "answer"), [(b"", "#10"), (b"a;\n\xff", "#14a;\n\xff"), (b"x" * 12, "#212" + "x" * 12)]
)
def test_block_of_definite_length(payload: bytes, answer: str) -> None:
    """IEEE 488.2, 8.7.9: the number of digits, the length, the bytes."""
    assert block(payload) == answer
