"""Which parts of a message are its HTML, and the page that shows them. Pure."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from mailquay.message.content import decode_text
from mailquay.message.parts import Part
from mailquay_webmail_api.jmap.core.blobs import part_blob_id
from mailquay_webmail_api.jmap.core.ids import account_id
from mailquay_webmail_api.jmap.mail.body_parts import body_structure, decompose
from mailquay_webmail_api.reading.sanitise import sanitise

__all__ = ["make_page", "page_policy"]

#: A newsletter is one part; who sends hundreds does not want them read.
_PARTS_MAX: Final = 20
#: The frame stands in the application's page, which chooses between light and dark.
_STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0; padding: 10px 16px 16px; overflow-wrap: break-word;
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
img { max-width: 100%; }
blockquote { margin-inline: 0; padding-inline-start: 12px; border-inline-start: 2px solid #8886; }
pre { white-space: pre-wrap; }
"""


def page_policy(*, allow_remote: bool) -> str:
    """The Content-Security-Policy of a message's page: nothing runs, nothing is sent.

    Args:
        allow_remote: whether pictures from elsewhere may be fetched.
    """
    elsewhere = " http: https:" if allow_remote else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"img-src 'self' data:{elsewhere}",
            "style-src 'unsafe-inline'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
            "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox",
        )
    )


def make_page(
    raw: bytes, root: Part, *, account: int, email: int, allow_remote: bool
) -> str | None:
    """The page; None when the message has no HTML. Slow for a large message: call it in a thread.

    Args:
        raw: the whole message.
        root: its tree.
        account: whose it is.
        email: its id, for the addresses of its pictures.
        allow_remote: whether pictures may be fetched from elsewhere.
    """
    parts = _html_parts(root)[:_PARTS_MAX]
    if not parts:
        return None
    inline = _inline_pictures(root, account, email)
    bodies = [sanitise(decode_text(raw, part), inline, allow_remote=allow_remote) for part in parts]
    return (
        '<!doctype html><html><head><meta charset="utf-8"><title>Message</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head><body>{'<hr>'.join(bodies)}</body></html>"
    )


def _html_parts(root: Part) -> list[Part]:
    """The HTML that is to be read."""
    body = decompose(body_structure(root)).html
    return [item.part for item in body if item.part.content_type == "text/html"]


def _inline_pictures(root: Part, account: int, email: int) -> Mapping[str, str]:
    """Where a message's own pictures are, by Content-ID."""
    found: dict[str, str] = {}
    for number, part in root.walk():
        if part.type == "image" and part.content_id:
            blob = part_blob_id(email, number)
            kind = quote(part.content_type, safe="")
            address = f"/jmap/download/{account_id(account)}/{blob}/picture?accept={kind}"
            found.setdefault(part.content_id.strip().strip("<>"), address)
    return found
