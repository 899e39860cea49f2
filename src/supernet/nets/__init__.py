"""Torch modules that know nothing of search spaces: operations, weight sharing, the super-net."""
