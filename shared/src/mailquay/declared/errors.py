"""What can be wrong with settings as code.

::

    DocumentError       a file is no document, or an item stands in them twice
    PlanError           what the files ask for cannot be
    PasswordMissing     a password is not where a document says, or cannot be one

A message lists everything that is wrong, a line each; no secret is in it. No I/O here.
"""

__all__ = ["DocumentError", "PasswordMissing", "PlanError"]


class DocumentError(Exception):
    """A file is no document; each line has the file's name and line."""


class PlanError(Exception):
    """What the files ask for cannot be."""


class PasswordMissing(Exception):
    """A password is not where a document says, or cannot be one; the place is named."""
