"""Views of a run's record for people: the HTML report and its figures."""
