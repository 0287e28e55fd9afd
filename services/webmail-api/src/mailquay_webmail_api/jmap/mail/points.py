"""States of Email, Thread and Mailbox (RFC 8620 §5.1, §5.2). No I/O here.

A state is the account's modseq. One that a /changes gave before it had told everything also says
how far in that modseq it came: ``123-45``.
"""

import re
from typing import Final

from mailquay.store.changes import Point
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.states import state_text

__all__ = ["point_text", "read_point"]

_POINT: Final = re.compile(r"(0|[1-9][0-9]{0,18})(?:-(0|[1-9][0-9]{0,18}))?")
_MAX: Final = (1 << 63) - 1


def point_text(point: Point) -> str:
    """A point in an account's history as a state."""
    text = state_text(point.modseq)
    return text if point.is_whole else f"{text}-{point.id}"


def read_point(arguments: Arguments, name: str, now: int) -> Point:
    """The point that a client has given as a state.

    Args:
        arguments: the call's.
        name: of the argument.
        now: the account's modseq.

    Raises:
        MethodError: invalidArguments, or cannotCalculateChanges for what was never a state here.
    """
    match = _POINT.fullmatch(arguments.string(name))
    if match is None or int(match[1]) > now or int(match[2] or 0) > _MAX:
        raise MethodError("cannotCalculateChanges", f"{name} is no state of this account")
    return Point(int(match[1])) if match[2] is None else Point(int(match[1]), int(match[2]))
