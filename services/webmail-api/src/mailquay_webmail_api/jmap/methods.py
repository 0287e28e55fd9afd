"""Every method that there is, by the capability that a request must name in ``using``.

A plain table (RFC 8620 §3.3, §9.4): a capability is advertised because it stands here.
"""

from typing import Final

from mailquay_webmail_api.jmap import core, mail, submission
from mailquay_webmail_api.jmap.core.context import Method

__all__ = ["CAPABILITIES", "CORE", "MAIL", "SUBMISSION"]

CORE: Final = "urn:ietf:params:jmap:core"
MAIL: Final = "urn:ietf:params:jmap:mail"
SUBMISSION: Final = "urn:ietf:params:jmap:submission"

CAPABILITIES: Final[dict[str, dict[str, Method]]] = {
    CORE: core.METHODS,
    MAIL: mail.METHODS,
    SUBMISSION: submission.METHODS,
}
