"""Reference pressure gauges: drivers and simulators."""
