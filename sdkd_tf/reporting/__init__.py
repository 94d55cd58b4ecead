"""Tables and plots of a run, and of comparisons of several runs."""
