"""How a unit comes about: drawn by chance, calibrated on a rig, sealed; and studies over many of them."""
