"""What goes wrong with a cluster."""

__all__ = ["ClusterError"]


class ClusterError(Exception):
    """The cluster cannot be made or used; the message says why, in words for the terminal."""
