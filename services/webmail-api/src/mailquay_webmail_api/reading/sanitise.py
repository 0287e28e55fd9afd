"""HTML of a stranger made harmless (nh3, which is ammonia). No I/O here.

The page that shows it forbids scripts, forms and foreign content once more by its own policy; this
takes out what that policy would only break.
"""

import re
from collections.abc import Mapping
from typing import Final

import nh3

from mailquay.message.html import html_to_text
from mailquay_webmail_api.reading.nesting import is_tame

__all__ = ["sanitise", "text_as_html"]

#: Longer HTML is cut; a newsletter has a tenth of this.
HTML_MAX: Final = 1024 * 1024

_TAGS: Final = frozenset(
    {
        "a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote",
        "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del",
        "details", "dfn", "dir", "div", "dl", "dt", "em", "figcaption", "figure", "font",
        "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins",
        "kbd", "li", "main", "map", "area", "mark", "nav", "ol", "p", "pre", "q", "s",
        "samp", "section", "small", "span", "strike", "strong", "style", "sub", "summary",
        "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u",
        "ul", "var", "wbr",
    }
)  # fmt: skip
_CLEAN_CONTENT: Final = frozenset(
    {
        "script", "title", "template", "noscript", "iframe", "object", "embed", "svg",
        "math", "textarea", "select",
    }
)  # fmt: skip
_EVERYWHERE: Final = frozenset(
    {
        "align", "background", "bgcolor", "border", "class", "color", "dir", "height", "id",
        "lang", "style", "title", "valign", "width",
    }
)  # fmt: skip
_ATTRIBUTES: Final = {
    "*": set(_EVERYWHERE),
    "a": {"href", "name"},
    "area": {"href", "alt", "coords", "shape"},
    "img": {"src", "alt", "hspace", "vspace", "usemap"},
    "map": {"name"},
    "font": {"face", "size"},
    "table": {"cellpadding", "cellspacing", "rules", "frame", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "li": {"value", "type"},
    "blockquote": {"type"},
    "details": {"open"},
    "time": {"datetime"},
    "style": {"type", "media"},
}
_LINK: Final = re.compile(r"(?:https?|ftp|mailto|tel|sms|xmpp|sip|matrix|geo):", re.IGNORECASE)
_REMOTE: Final = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_PICTURE: Final = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif|bmp)[;,]", re.IGNORECASE)
_BODY: Final = re.compile(r"<(/?)body\b", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x20]+")


def sanitise(html: str, inline: Mapping[str, str], *, allow_remote: bool) -> str:
    """What of a message's HTML may be shown.

    Args:
        html: as it came, any text.
        inline: where the message's own pictures are, by their Content-IDs.
        allow_remote: whether pictures may be fetched from elsewhere, which tells the sender that
            the message is being read.
    """
    html = html[:HTML_MAX]
    if not is_tame(html):
        return text_as_html(html_to_text(html))

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return _link(value)
        if attribute in ("src", "background"):
            return _picture(value, inline, allow_remote=allow_remote)
        return value

    # What the body says of its colours would go with the tag.
    return nh3.clean(
        _BODY.sub(r"<\1div", html),
        tags=set(_TAGS),
        clean_content_tags=set(_CLEAN_CONTENT),
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={
            "http", "https", "ftp", "mailto", "tel", "sms", "xmpp", "sip", "matrix", "geo", "cid",
            "data",
        },
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}, "area": {"target": "_blank"}},
    )  # fmt: skip


def text_as_html(text: str) -> str:
    """Text, with its lines kept."""
    return f'<div style="white-space: pre-wrap">{nh3.clean_text(text)}</div>'


def _link(value: str) -> str | None:
    """A link that leads out of here; one without a scheme would lead into this application."""
    value = _CONTROL.sub("", value) if _CONTROL.match(value) else value.strip()
    if value.startswith("//"):
        value = f"https:{value}"
    return value if value.startswith("#") or _LINK.match(value) else None


def _picture(value: str, inline: Mapping[str, str], *, allow_remote: bool) -> str | None:
    value = value.strip()
    if value[:4].lower() == "cid:":
        return inline.get(value[4:])
    if _PICTURE.match(value):
        return value
    if allow_remote and _REMOTE.match(value):
        return f"https:{value}" if value.startswith("//") else value
    return None
