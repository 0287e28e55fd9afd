"""Keep docs/rfc.md true: every RFC that the code names is in its table, and what it says is tested.

``python tools/rfc_index.py`` fills in the columns of code and tests; ``--check`` only looks. A row
with the state *yes* or *partial* names at least one file of ours and one test that cite the RFC;
*ground* is what we stand on without speaking it.
"""

import argparse
import re
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

__all__ = ["Row", "check", "citations", "fill_in", "parse_rows"]

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "rfc.md"
_CITATION: Final = re.compile(r"\bRFC (\d{3,5})\b")
_ROW: Final = re.compile(
    r"\| (\d{3,5}) \| (.*?) \| (yes|partial|ground|no) \| (.*?) \| (.*?) \| (.*?) \|"
)
_FILE: Final = re.compile(r"`([^`]+)`")
_SUFFIXES: Final = (".py", ".ts", ".tsx", ".txt")
_FOLDERS: Final = ("shared", "services", "tests")
_FILES_TOLD: Final = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``code`` and ``tests`` are paths from the root."""

    number: int
    title: str
    state: str
    code: tuple[str, ...]
    tests: tuple[str, ...]
    notes: str

    def render(self) -> str:
        """The line."""
        cells = (
            str(self.number), self.title, self.state,
            "<br>".join(f"`{path}`" for path in self.code),
            "<br>".join(f"`{path}`" for path in self.tests), self.notes,
        )  # fmt: skip
        return "| " + " | ".join(cells) + " |"


def parse_rows(page: str) -> list[Row]:
    """The rows of the page's tables."""
    return [
        Row(
            int(match[1]), match[2], match[3], tuple(_FILE.findall(match[4])),
            tuple(_FILE.findall(match[5])), match[6],
        )
        for line in page.splitlines()
        if (match := _ROW.fullmatch(line))
    ]  # fmt: skip


def citations(root: Path) -> dict[int, Counter[str]]:
    """How often each file cites each RFC."""
    found: dict[int, Counter[str]] = {}
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in _SUFFIXES or {"node_modules", "dist"} & set(path.parts):
                continue
            for number in _CITATION.findall(path.read_text(encoding="utf-8", errors="replace")):
                name = path.relative_to(root).as_posix()
                found.setdefault(int(number), Counter())[name] += 1
    return found


def _is_test(path: str) -> bool:
    return "tests" in path.split("/")


def _most(counted: Counter[str], *, tests: bool) -> tuple[str, ...]:
    """The files that cite most; where they tie, by name."""
    chosen = [(-count, path) for path, count in counted.items() if _is_test(path) is tests]
    return tuple(path for _, path in sorted(chosen)[:_FILES_TOLD])


def fill_in(page: str, found: dict[int, Counter[str]]) -> str:
    """The page with its columns of code and tests made anew."""
    rows = {row.number: row for row in parse_rows(page)}
    lines = []
    for line in page.splitlines():
        match = _ROW.fullmatch(line)
        if match and (row := rows[int(match[1])]).state != "no":
            counted = found.get(row.number, Counter())
            row = replace(row, code=_most(counted, tests=False), tests=_most(counted, tests=True))
            lines.append(row.render())
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def check(page: str, found: dict[int, Counter[str]]) -> list[str]:
    """What is not true of the page, a sentence each."""
    rows = parse_rows(page)
    problems = [
        f"RFC {number} has {count} rows"
        for number, count in Counter(row.number for row in rows).items()
        if count > 1
    ]
    known = {row.number for row in rows}
    problems += [
        f"RFC {number} is cited in {next(iter(found[number]))}, and has no row"
        for number in sorted(set(found) - known)
    ]
    for row in rows:
        counted = found.get(row.number, Counter())
        problems += [
            f"RFC {row.number}: {path} does not cite it"
            for path in (*row.code, *row.tests)
            if path not in counted
        ]
        if row.state in ("yes", "partial"):
            problems += [
                f"RFC {row.number} is {row.state}, and no {kind} cites it"
                for kind, paths in (("code", row.code), ("test", row.tests))
                if not paths
            ]
    return problems


def main() -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only look; 1 when it is not true")
    arguments = parser.parse_args()
    found = citations(ROOT)
    if not arguments.check:
        PAGE.write_text(fill_in(PAGE.read_text(), found))
    problems = check(PAGE.read_text(), found)
    print("\n".join(problems) or f"{PAGE.name}: {len(parse_rows(PAGE.read_text()))} RFCs")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
