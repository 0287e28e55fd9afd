"""Whether HTML can be parsed in linear time, told by its tags alone. No I/O here.

A parser that keeps to the standard looks through the open elements for each block, and opens each
formatting element that was not closed again in every block after it. A few kilobytes can so become
gigabytes. What people write stays far below these bounds; what does not is not parsed at all.
"""

import re
from typing import Final

__all__ = ["is_tame"]

#: Browsers stop at 512.
DEPTH_MAX: Final = 400
#: Characters that formatting elements may add by being opened again.
GROWTH_MAX: Final = 4 * 1024 * 1024
ATTRIBUTES_MAX: Final = 500

_TAG: Final = re.compile(
    r"<(/?)([A-Za-z][A-Za-z0-9]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*+)(?:>|(?=<)|\Z)"
)
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_VOID: Final = frozenset(
    {
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img",
        "input", "link", "meta", "param", "source", "track", "wbr",
    }
)  # fmt: skip
_FORMATTING: Final = frozenset(
    {
        "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike",
        "strong", "tt", "u",
    }
)  # fmt: skip
#: Formatting does not get out of these.
_MARKERS: Final = frozenset(
    {
        "applet", "caption", "marquee", "object", "td", "template", "th",
    }
)  # fmt: skip
#: One of these ends the one before it, where that is still open.
_SIBLINGS: Final = {
    "p": frozenset({"p"}),
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "option": frozenset({"option"}),
    "td": frozenset({"td", "th"}),
    "th": frozenset({"td", "th"}),
    "tr": frozenset({"td", "th", "tr"}),
    "tbody": frozenset({"td", "th", "tr", "tbody", "thead", "tfoot"}),
}


def is_tame(html: str) -> bool:
    """Whether parsing takes time and room in proportion to the text. Linear itself."""
    return _Guard().follow(html)


class _Guard:
    """The open elements, roughly as the standard's tree construction has them, never fewer."""

    def __init__(self) -> None:
        self._open: list[str] = []
        #: Formatting elements that are not closed, with the length of their tags; None is a marker.
        self._formatting: list[tuple[str, int] | None] = []
        self._formatting_length = 0
        self._growth = 0

    def follow(self, html: str) -> bool:
        for match in _TAG.finditer(html):
            name = match[2].lower()
            if match[1]:
                self._close(name)
                continue
            if len(match[3]) > ATTRIBUTES_MAX and (
                len(_QUOTED.sub("", match[3]).split()) > ATTRIBUTES_MAX
            ):
                return False
            self._start(name, len(match[0]))
            if len(self._open) > DEPTH_MAX or self._growth > GROWTH_MAX:
                return False
        return True

    def _start(self, name: str, length: int) -> None:
        self._growth += self._formatting_length
        if name in _VOID:
            return
        siblings = _SIBLINGS.get(name, ())
        while (depth := self._innermost()) >= 0 and self._open[depth] in siblings:
            self._pop_to(depth)
        self._open.append(name)
        if name in _MARKERS:
            self._formatting.append(None)
        elif name in _FORMATTING:
            self._formatting.append((name, length))
            self._formatting_length += length

    def _close(self, name: str) -> None:
        if name in _FORMATTING:
            self._forget(name)
        # Only what is innermost is surely closed, or what has but formatting inside of it.
        depth = self._innermost()
        if name in _FORMATTING:
            for index in range(len(self._open) - 1, depth, -1):
                if self._open[index] == name:
                    del self._open[index]
                    return
        elif depth >= 0 and self._open[depth] == name:
            self._pop_to(depth)

    def _innermost(self) -> int:
        """Where the innermost open element is that is no formatting; -1 when there is none."""
        depth = len(self._open) - 1
        while depth >= 0 and self._open[depth] in _FORMATTING:
            depth -= 1
        return depth

    def _pop_to(self, depth: int) -> None:
        while len(self._open) > depth:
            self._pop()

    def _pop(self) -> None:
        if self._open.pop() in _MARKERS:
            while self._formatting:
                last = self._formatting.pop()
                if last is None:
                    break
                self._formatting_length -= last[1]

    def _forget(self, name: str) -> None:
        for index in range(len(self._formatting) - 1, -1, -1):
            found = self._formatting[index]
            if found is None:
                return
            if found[0] == name:
                del self._formatting[index]
                self._formatting_length -= found[1]
                return
