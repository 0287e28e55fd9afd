"""States of data types (RFC 8620 §5.1): the account's modseq, as text. No I/O here."""

import re
from typing import Final

from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.errors import MethodError

__all__ = ["read_since", "state_text"]

_STATE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


def state_text(modseq: int) -> str:
    """A modseq as a state."""
    return str(modseq)


def read_since(arguments: Arguments, name: str, now: int) -> int:
    """The modseq that a client has given as a state.

    Args:
        arguments: the call's.
        name: of the argument.
        now: the account's modseq.

    Raises:
        MethodError: invalidArguments, or cannotCalculateChanges for what was never a state here.
    """
    text = arguments.string(name)
    if not _STATE.fullmatch(text) or int(text) > now:
        raise MethodError("cannotCalculateChanges", f"{name} is no state of this account")
    return int(text)
