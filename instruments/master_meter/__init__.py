"""Master meters in the rig's lines, over Modbus: profiles in data, one driver and one simulator for all of them."""
