"""A load that goes on while services are replaced, and a reckoning of what became of it."""
