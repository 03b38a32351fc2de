"""Register tables of master meters, one TOML file a driver's name; their form is ``master_meter.profile``."""
