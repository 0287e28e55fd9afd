"""PatchObjects (RFC 8620 §5.3), as paths and values. No I/O here."""

from typing import Any

from mailquay_webmail_api.jmap.core.errors import SetError

__all__ = ["Path", "is_as_given", "path_text", "read_patch"]

Path = tuple[str, ...]


def read_patch(patch: dict[str, Any]) -> dict[Path, Any]:
    """Take each key apart as a JSON pointer with an implicit leading ``/`` (RFC 6901).

    Raises:
        SetError: invalidPatch, where a pointer is none or is the prefix of another.
    """
    paths: dict[Path, Any] = {}
    for key, value in patch.items():
        path = tuple(_unescape(token) for token in key.split("/"))
        if path in paths:
            raise SetError("invalidPatch", f"{key} is there twice")
        paths[path] = value
    for path in paths:
        for length in range(1, len(path)):
            if path[:length] in paths:
                key = path_text(path)
                raise SetError("invalidPatch", f"{key} is inside of what another patch replaces")
    return paths


def _unescape(token: str) -> str:
    if "~" in token.replace("~0", "").replace("~1", ""):
        raise SetError("invalidPatch", f"{token} is no token of a JSON pointer")
    return token.replace("~1", "/").replace("~0", "~")


def path_text(path: Path) -> str:
    """The path as a key of a PatchObject."""
    return "/".join(token.replace("~", "~0").replace("/", "~1") for token in path)


def is_as_given(current: dict[str, Any], path: Path, value: object) -> bool:
    """Whether a property that a client cannot set is given as it is (RFC 8620 §5.3)."""
    found: Any = current
    for token in path:
        if not isinstance(found, dict) or token not in found:
            return False
        found = found[token]
    return bool(found == value)
