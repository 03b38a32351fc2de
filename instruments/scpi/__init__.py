"""The simulators' side of SCPI and IEEE 488.2: one core for every simulated instrument. Drivers do not use it."""
