"""The person at the bench: what is asked of them, at a terminal or answered by a script."""
