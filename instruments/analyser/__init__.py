"""Spectrum analysers: drivers and simulators."""
