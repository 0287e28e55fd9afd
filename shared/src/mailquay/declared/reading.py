"""From YAML to documents, with the line of everything that is wrong. No I/O here."""

import difflib
from collections.abc import Hashable, Iterator, Sequence
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from mailquay.declared.document import Document
from mailquay.declared.errors import DocumentError

__all__ = ["read_documents"]

_Path = tuple[str | int, ...]
#: A file of a hundred thousand accounts has some 20 MB.
TEXT_MAX_BYTES: Final = 64 * 1024 * 1024


class _Loader(yaml.CSafeLoader):
    """YAML's plain values; a key that stands twice is refused, where YAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, Hashable):
                raise yaml.MarkedYAMLError(None, None, "that is no name", key.start_mark)
            if name in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(
                    None, None, f"{name!r} stands here twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def read_documents(text: str, source: str) -> list[Document]:
    """Read a file's documents, which ``---`` separates.

    Args:
        text: the file.
        source: its name, for messages.

    Raises:
        DocumentError: with everything that is wrong.
    """
    if len(text) > TEXT_MAX_BYTES:
        raise DocumentError(f"{source}: more than {TEXT_MAX_BYTES} bytes are no document")
    documents: list[Document] = []
    faults: list[str] = []
    for data, node in _load(text, source):
        try:
            documents.append(Document.model_validate(data))
        except ValidationError as error:
            lines = _lines(node)
            faults += [_fault(source, lines, each) for each in error.errors(include_url=False)]
    if faults:
        raise DocumentError("\n".join(faults))
    return documents


def _load(text: str, source: str) -> Iterator[tuple[Any, yaml.Node | None]]:
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            data = None if node is None else loader.construct_document(node)
            yield ({} if data is None else data), node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f":{mark.line + 1}"
        raise DocumentError(f"{source}{line}: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        # A date that is none, what is too deep, and what is no text at all.
        raise DocumentError(f"{source}: {error}") from None


def _lines(node: yaml.Node | None) -> dict[_Path, int]:
    """The line of each key and item, counted from 1."""
    lines: dict[_Path, int] = {}

    def walk(at: yaml.Node, path: _Path) -> None:
        lines.setdefault(path, at.start_mark.line + 1)
        if isinstance(at, yaml.MappingNode):
            for key, value in at.value:
                lines[(*path, str(key.value))] = key.start_mark.line + 1
                walk(value, (*path, str(key.value)))
        elif isinstance(at, yaml.SequenceNode):
            for index, value in enumerate(at.value):
                walk(value, (*path, index))

    if node is not None:
        walk(node, ())
    return lines


def _fault(source: str, lines: dict[_Path, int], error: Any) -> str:
    path: _Path = error["loc"]
    known = path
    while known and known not in lines:
        known = known[:-1]
    where = f"{source}:{lines.get(known, 1)}"
    name = _render(path)
    return f"{where}: {name}: {_say(error, path)}" if name else f"{where}: {_say(error, path)}"


def _render(path: _Path) -> str:
    """``accounts[2].quota``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _say(error: Any, path: _Path) -> str:
    match error["type"]:
        case "extra_forbidden":
            names = _fields(Document, path[:-1])
            near = difflib.get_close_matches(str(path[-1]), names, 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            return f"there is no such field; {hint}"
        case "missing":
            return "is missing"
        case "model_type":
            return "fields and their values belong here"
        case _:
            message = str(error["msg"]).removeprefix("Value error, ")
            return message[:1].lower() + message[1:]


def _fields(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The fields of the part that a path leads to."""
    for part in path:
        if isinstance(part, int):
            continue
        by_alias = {field.alias: field.annotation for field in model.model_fields.values()}
        found = _model_in(by_alias.get(part))
        if found is not None:
            model = found
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside of ``list[…]`` or ``… | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, Union, UnionType):
        found = (_model_in(each) for each in get_args(annotation))
        return next((model for model in found if model is not None), None)
    return None
