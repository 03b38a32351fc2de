"""What a unit really is (flow tube, profile, sensor): the truth, which the firmware never sees."""
