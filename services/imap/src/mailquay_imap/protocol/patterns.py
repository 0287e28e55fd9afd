"""LIST's patterns: ``*`` is anything, ``%`` anything within one level (RFC 9051 §6.3.9). Pure."""

import re
from typing import Final

__all__ = ["Pattern", "canonical_pattern"]

_DELIMITER: Final = "/"
_WILDCARDS: Final = re.compile(r"[*%]+")
_INBOX: Final = re.compile(r"\AINBOX(?=[/*%]|\Z)", re.ASCII | re.IGNORECASE)
#: With more wildcards than these, backtracking would cost more than the steps below.
_REGEX_WILDCARDS_MAX: Final = 1


def canonical_pattern(reference: str, pattern: str) -> str:
    """The reference in front of the pattern; INBOX at its start is INBOX in any case."""
    text = reference + pattern
    return _INBOX.sub("INBOX", text)


class Pattern:
    """A canonical pattern; matching takes time linear in the name, whatever the pattern."""

    __slots__ = ("_any", "_final", "_letters", "_level", "_regex", "ends_in_level")

    def __init__(self, text: str) -> None:
        #: Whether names of the levels above are wanted too.
        self.ends_in_level = text.endswith("%")
        # A run of wildcards is as wide as the widest of them.
        text = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", text)
        self._regex: re.Pattern[str] | None = None
        if text.count("*") + text.count("%") <= _REGEX_WILDCARDS_MAX:
            expression = re.escape(text).replace(r"\*", ".*").replace("%", f"[^{_DELIMITER}]*")
            self._regex = re.compile(expression, re.DOTALL)
            return
        # Otherwise each bit is a place in the pattern that the name may have reached.
        self._any = self._level = 0
        self._letters: dict[str, int] = {}
        for place, character in enumerate(text):
            if character == "*":
                self._any |= 1 << place
            elif character == "%":
                self._level |= 1 << place
            else:
                self._letters[character] = self._letters.get(character, 0) | 1 << place
        self._final = 1 << len(text)

    def matches(self, name: str) -> bool:
        """Whether a whole name matches."""
        if self._regex is not None:
            return self._regex.fullmatch(name) is not None
        wildcards = self._any | self._level
        places = 1 | (1 & wildcards) << 1
        for character in name:
            stay = places & (self._any if character == _DELIMITER else wildcards)
            places = stay | (places & self._letters.get(character, 0)) << 1
            places |= (places & wildcards) << 1
            if not places:
                return False
        return bool(places & self._final)
