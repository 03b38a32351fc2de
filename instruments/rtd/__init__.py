"""Resistance simulators in the place of the meter's PT1000."""
