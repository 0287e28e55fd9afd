r"""The words of a search, as a person types them (RFC 8621 §4.4.1). No I/O here.

White space divides; what stands in matched quotes belongs together, and there a backslash takes
the meaning off ``'``, ``"`` and ``\``.
"""

import re
from typing import Final

__all__ = ["tokens"]

#: More words than anyone looks for.
TOKENS_MAX: Final = 50
CHARACTERS_MAX: Final = 10_000

_TOKEN: Final = re.compile(
    r"\"((?:[^\"\\]|\\.)*)\"|(?<!\S)'((?:[^'\\]|\\.)*)'(?!\S)|(\S+)", re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(['\"\\])")
_SPACE: Final = re.compile(r"\s+")


def tokens(text: str) -> list[str]:
    """The words and phrases of a text, each once, in lower case; their order says nothing."""
    found: dict[str, None] = {}
    for match in _TOKEN.finditer(text[:CHARACTERS_MAX]):
        phrase = match[1] if match[1] is not None else match[2]
        word = match[3] if phrase is None else _ESCAPE.sub(r"\1", phrase)
        word = _SPACE.sub(" ", word).strip().lower()
        if word:
            found[word] = None
        if len(found) >= TOKENS_MAX:
            break
    return list(found)
