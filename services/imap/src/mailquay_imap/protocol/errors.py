"""What a client may have done wrong.

::

    ProtocolError        BAD: it is no command, or not one for this state
        TooLong          NO [TOOBIG], or BYE: larger than what is read
"""

__all__ = ["ProtocolError"]


class ProtocolError(Exception):
    """The command cannot be understood; the message is the reply's text."""
