"""The station: configuration, opening of instruments, safe state, the Run and its durable record, uncertainty,
calibration gate, store, virtual lab and pytest plugin. Everything that a procedure stands on.
"""
