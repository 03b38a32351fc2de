"""Pictures of the LCD glass with some segments lit: SVG, PNG, and text for a terminal."""
