"""The sensors beside the flow tube as they really are: element, chips and switches of one unit, with its faults."""
