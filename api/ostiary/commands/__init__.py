"""Commands of `ostiary` that are not part of a feature."""
