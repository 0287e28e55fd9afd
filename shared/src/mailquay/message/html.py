"""HTML into plain text, for previews and search. Linear for any input. No I/O here."""

import re
from html import unescape
from typing import Final

__all__ = ["html_to_text"]

_BLOCKS: Final = frozenset(
    (
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "tfoot"),
        *("thead", "title", "tr", "ul"),
    )
)
#: Not "head", whose end may be left out (HTML §4.2.1) and which holds nothing else that is shown.
_HIDDEN: Final = frozenset({"style", "script", "title", "template", "noscript"})
_NAME: Final = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
_SPACES: Final = re.compile(r"[ \t\r\f\v\xa0]+")
_LINES: Final = re.compile(r" ?\n[ \n]*")


def html_to_text(html: str, limit: int | None = None) -> str:
    """Strip tags, scripts, styles and comments, and undo character references.

    Args:
        html: any text.
        limit: stop after about this many characters.
    """
    pieces: list[str] = []
    length = position = 0
    end = len(html)
    while position < end and (limit is None or length < limit):
        tag = html.find("<", position)
        text = html[position : end if tag < 0 else tag]
        if text:
            pieces.append(text.replace("\n", " "))
            length += len(text)
        if tag < 0:
            break
        position = _skip_markup(html, tag, pieces)
        if position < 0:
            break
    text = unescape("".join(pieces))
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


def _skip_markup(html: str, start: int, pieces: list[str]) -> int:
    """Pass over a tag or comment; return where text goes on, -1 when nothing follows."""
    if html.startswith("<!--", start):
        close = html.find("-->", start + 4)
        return close + 3 if close >= 0 else -1
    match = _NAME.match(html, start + 1)
    if match is None:
        if html.startswith(("<!", "<?"), start):
            close = html.find(">", start)
            return close + 1 if close >= 0 else -1
        pieces.append("<")
        return start + 1
    name = match[1].lower()
    close = html.find(">", start)
    if close < 0:
        return -1
    if name in _BLOCKS:
        pieces.append("\n")
    if name in _HIDDEN and html[start + 1] != "/":
        return _skip_element(html, close + 1, name)
    return close + 1


def _skip_element(html: str, position: int, name: str) -> int:
    """Where a hidden element ends; one that never does hides the rest."""
    closing = re.compile(rf"</{name}\b[^>]*>?", re.IGNORECASE)
    match = closing.search(html, position)
    return match.end() if match else -1
