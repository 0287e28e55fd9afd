"""Messages: RFC 5322 and MIME (RFC 2045 to 2047, 2183, 2231). Pure, for any bytes whatsoever.

`scan` cuts a message into its parts in one pass; `sections`, `content` and `structure` serve what
protocols ask of it; `build` writes new ones. No I/O here.
"""

from mailquay.message.limits import ScanLimits
from mailquay.message.message import ScannedMessage, scan
from mailquay.message.parts import Part

__all__ = ["Part", "ScanLimits", "ScannedMessage", "scan"]
