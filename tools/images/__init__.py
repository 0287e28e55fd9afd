"""Builds the container images: ``python3 -m tools.images``. The standard library is all it has."""
