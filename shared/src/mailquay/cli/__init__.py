"""The ``mailquay`` command."""

from mailquay.cli.app import main

__all__ = ["main"]
