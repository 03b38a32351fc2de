"""One tree of errors for the whole house.

    BenchError
    ├── ConfigError        a file, an option or a designation that cannot be meant
    ├── ConnectionLost     an instrument that cannot be reached, or went away
    ├── DeadlineExceeded   an instrument, or the rig, that did not get there in time
    ├── ProtocolError      an answer that is not in the instrument's grammar
    ├── InstrumentError    an instrument that refused, or reports a fault of its own
    ├── InterlockTripped   the rig is not safe, or tripped while it was in use
    ├── CalibrationError   a certificate that cannot be read or does not cover the use
    ├── RecordError        the journal cannot be written, or does not hold together
    └── MeterError         the meter under test did not answer as a meter should

A message is one sentence for a person at the bench: who, what was asked, what came back (in text and hex), how long
it took, and what to do next. ``Cancelled`` is not a fault and stands apart: the operator, or a signal, asked to stop.
"""

from __future__ import annotations


class BenchError(Exception):
    """The bench's fault, never the meter's: a run that ends in one is ERROR, not FAIL."""


class ConfigError(BenchError):
    """A configuration that cannot be meant; the message names the key's path and the allowed values."""


class ConnectionLost(BenchError):
    """An instrument that cannot be reached or has gone away."""


class DeadlineExceeded(BenchError):
    """Something did not happen within its deadline."""


class ProtocolError(BenchError):
    """An answer outside the instrument's grammar; holds the bytes in text and hex."""


class InstrumentError(BenchError):
    """An instrument that refused a command or reports a fault of its own."""


class InterlockTripped(BenchError):
    """A permissive is missing or an alarm latched; what was running is void."""


class CalibrationError(BenchError):
    """A certificate that cannot be read or does not cover what was asked."""


class RecordError(BenchError):
    """The run's record cannot be written or does not hold together."""


class MeterError(BenchError):
    """The meter under test did not answer as a meter should."""


class Cancelled(BaseException):
    """The operator or a signal asked to stop: not an ``Exception``, so that no clean-up code swallows it."""
