"""What a client may have done wrong.

::

    ProtocolError        BAD: it is no command, or its arguments are not in the grammar
    BadCharset           NO [BADCHARSET]: SEARCH in a charset that is not known
"""

__all__ = ["BadCharset", "ProtocolError"]


class ProtocolError(Exception):
    """The command cannot be understood; the message is the reply's text."""


class BadCharset(Exception):
    """A search's texts are in a charset that is not known (RFC 9051 §6.4.4).

    ``saves``: the search was to set the result variable, which is then empty (§6.4.4.1).
    """

    def __init__(self, charset: str, *, saves: bool) -> None:
        super().__init__(f"the charset {charset[:40]} is not known")
        self.saves = saves
