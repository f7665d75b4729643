"""The sample: returns with invented figures, written by `metstats sample`. The standard library is all it needs."""
