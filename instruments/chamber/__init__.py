"""Climate chambers: the air around the meter."""
