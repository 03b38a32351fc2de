"""The SCPI grammar: headers, paths, parameters."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.instruments.scpi.errors import ScpiError
from meterbench.instruments.scpi.parameters import Boolean, Channels, Choice, Integer, Number, Text, nr3
from meterbench.instruments.scpi.syntax import HeaderPattern, MessageUnit, parse_message, split_outside


def headers(message: str) -> list[str]:
    return [unit.header + "?" * unit.is_query for unit in parse_message(message)]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("INP1:COUP DC;IMP 50", ["INP1:COUP", "INP1:IMP"]),
        ("INP1:COUP DC;:INIT", ["INP1:COUP", "INIT"]),
        ("INP1:COUP DC;*CLS;IMP 50", ["INP1:COUP", "*CLS", "INP1:IMP"]),
        ("SENS:TOT:GATE:SOUR EXT;POL POS;:FETC?", ["SENS:TOT:GATE:SOUR", "SENS:TOT:GATE:POL", "FETC?"]),
        ("INP1:LEV:AUTO OFF;LEV 1", ["INP1:LEV:AUTO", "INP1:LEV:LEV"]),
        (":syst:err?;*idn?", ["SYST:ERR?", "*IDN?"]),
        ("INIT;", ["INIT"]),
        ("", []),
    ],
)
def test_path_rules(message: str, expected: list[str]) -> None:
    """After ``;`` the path stays, ``;:`` is the root, common commands stand outside (SCPI-99 volume 1, 6.2.4)."""
    assert headers(message) == expected


def test_parameters_keep_quotes_and_channel_lists_together() -> None:
    """Neither ``;`` nor ``,`` inside quotes or parentheses cuts anything."""
    (unit,) = parse_message("CONF:TOT:TIM  INF , (@1,2:3) , 'a;b,''c'")
    assert unit == MessageUnit("CONF:TOT:TIM", False, ("INF", "(@1,2:3)", "'a;b,''c'"))


@pytest.mark.parametrize(
    ("message", "code"), [("VOLT,3", -102), ("A::B", -102), ("?", -102), ("A 'x", -151), ("A (@1", -102), ("1A", -102)]
)
def test_what_is_not_in_the_grammar_is_an_error(message: str, code: int) -> None:
    """With SCPI's own number."""
    with pytest.raises(ScpiError) as raised:
        list(parse_message(message))
    assert raised.value.code == code


def test_short_and_long_form_and_nothing_between() -> None:
    """VOLT and VOLTAGE, not VOLTA (instruments.md 4.6)."""
    pattern = HeaderPattern("[SOURce:]VOLTage[:LEVel]")
    for header in ("VOLT", "VOLTAGE", "SOUR:VOLT", "SOURCE:VOLTAGE:LEVEL", "VOLT:LEV"):
        assert pattern.match(header) == ()
    for header in ("VOLTA", "VOL", "SOUR", "LEV", "VOLT1", "SOURC:VOLT"):
        assert pattern.match(header) is None


def test_numeric_suffix() -> None:
    """No suffix means 1; beyond the highest it is -114, not another command."""
    pattern = HeaderPattern("INPut<2>:COUPling")
    assert pattern.match("INP:COUP") == pattern.match("INPUT1:COUP") == (1,)
    assert pattern.match("INP2:COUPLING") == (2,)
    with pytest.raises(ScpiError, match="-114"):
        pattern.match("INP3:COUP")


mnemonics = st.from_regex(r"[A-Z]{2,4}[a-z]{0,5}", fullmatch=True)


@given(mnemonics, st.lists(st.tuples(mnemonics, st.booleans(), st.booleans()), max_size=4), st.booleans())
def test_every_spelling_of_a_pattern_matches(first: str, nodes: list[tuple[str, bool, bool]], long: bool) -> None:
    """Short or long form, upper or lower case, optional nodes given or left out."""
    pattern = first + "".join(f"[:{word}]" if optional else f":{word}" for word, optional, _ in nodes)
    words = [first, *(word for word, optional, left_out in nodes if not (optional and left_out))]
    header = ":".join(words) if long else re.sub("[a-z]", "", ":".join(words))
    (unit,) = parse_message(header.swapcase())
    assert HeaderPattern(pattern).match(unit.header) == ()


@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_raise_scpi_error(text: str) -> None:
    """Garbage gives a SCPI error, never another exception."""
    with contextlib.suppress(ScpiError):
        for unit in parse_message(text):
            for parameter in (Number(-1, 1, "V"), Boolean(), Text(), Channels(1, 9), Integer(0, 9), Choice("ONE")):
                for sent in unit.parameters:
                    with contextlib.suppress(ScpiError):
                        parameter.parse(sent)


@given(st.lists(st.text(st.characters(exclude_characters="\"'();"), max_size=8), min_size=1, max_size=6))
def test_split_is_the_inverse_of_join(parts: list[str]) -> None:
    """Up to white space around the parts."""
    assert split_outside(";".join(parts), ";") == [part.strip() for part in parts]


@pytest.mark.parametrize(
    ("text", "volts"),
    [
        ("3", 3),
        ("+3.5e-1", 0.35),
        (".5", 0.5),
        ("5.", 5),
        ("100 mV", 0.1),
        ("2KV", 2000),
        ("10uv", 1e-5),
        ("MAX", 5000),
    ],
)
def test_numbers_with_units_and_prefixes(text: str, volts: float) -> None:
    """NR1 to NR3, the unit with or without prefix, keywords."""
    assert Number(-5000, 5000, "V").parse(text) == pytest.approx(volts)


def test_m_is_mega_for_ohm_and_hertz_only() -> None:
    """IEEE 488.2, 7.7.3.3."""
    assert Number(0, 1e9, "OHM").parse("1 MOHM") == 1e6
    assert Number(0, 1e9, "HZ").parse("1 mHz") == 1e6
    assert Number(0, 1e9, "V").parse("1 MV") == 1e-3
    assert Number(0, 1e9, "V").parse("1 MAV") == 1e6


@pytest.mark.parametrize(
    ("parameter", "text", "code"),
    [
        (Number(0, 1, "V"), "2", -222),
        (Number(0, 1, "V"), "1 A", -131),
        (Number(0, 1), "1 V", -138),
        (Number(0, 1), "ABC", -104),
        (Number(0, 1), "nan", -104),
        (Boolean(), "YES", -104),
        (Choice("POSitive", "NEGative"), "POSI", -224),
        (Text(), "abc", -104),
        (Text(), "'a'b'", -151),
        (Channels(1, 2), "1", -104),
        (Channels(1, 2), "(@3)", -222),
        (Integer(0, 255), "256", -222),
    ],
)
def test_refused_parameters(parameter: Number, text: str, code: int) -> None:
    """Each kind of mistake has its number."""
    with pytest.raises(ScpiError) as raised:
        parameter.parse(text)
    assert raised.value.code == code


@given(st.text(max_size=20))
def test_text_survives_quoting(text: str) -> None:
    """What is printed is read back."""
    assert Text().parse(Text().show(text)) == text


def test_printed_forms() -> None:
    """As the instruments print them."""
    assert nr3(1000.0) == "+1.00000000E+03"
    assert nr3(373.0, 14, 3) == "+3.73000000000000E+002"
    assert nr3(9.9e37) == "+9.90000000E+37"
    assert Channels(1, 400).show(Channels(1, 400).parse("(@101:103, 7)")) == "(@101,102,103,7)"
    assert Choice("EXTernal", "INPut1").parse("input1") == "INP1"
    assert Boolean().show(Boolean().parse("ON")) == "1"
