"""The flow rig: its PLC over Modbus TCP, register map, driver and simulator."""
