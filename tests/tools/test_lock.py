"""The lock files hold what the projects ask for, with hashes, and nothing of any machine."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-node.lock")
OURS = re.compile(r"mailquay(-|$)")


def pins(lock: str) -> dict[str, str]:
    """Versions by name."""
    found = re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ]+)", (ROOT / lock).read_text(), re.M)
    return dict(found)


def projects() -> Iterator[dict]:
    paths = [ROOT / "shared/pyproject.toml", *sorted(ROOT.glob("services/*/pyproject.toml"))]
    for path in paths:
        yield tomllib.loads(path.read_text())["project"]


def missing(wanted: list[str], lock: str) -> list[str]:
    """Requirements that a lock does not hold in a version that fits."""
    pinned = pins(lock)
    requirements = [Requirement(text) for text in wanted]
    return [
        str(requirement)
        for requirement in requirements
        if not OURS.match(requirement.name)
        and not requirement.specifier.contains(
            pinned.get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
    ]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_everything_that_runs_is_locked(lock: str):
    wanted = [
        *(text for project in projects() for text in project["dependencies"]),
        *(
            text
            for project in projects()
            for extra in project.get("optional-dependencies", {}).values()
            for text in extra
        ),
    ]
    assert missing(wanted, lock) == [], "run `make lock`"


@pytest.mark.parametrize(
    ("group", "lock"),
    [
        ("build", "requirements.lock"),
        ("dev", "requirements-dev.lock"),
        ("node", "requirements-node.lock"),
    ],
)
def test_every_group_is_locked(group: str, lock: str):
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert missing(workspace["dependency-groups"][group], lock) == [], "run `make lock`"


def test_what_runs_is_tested_in_the_same_version():
    dev = pins("requirements-dev.lock")
    assert {name: dev.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_has_a_hash_and_none_an_address_or_a_path(lock: str):
    lines = (ROOT / lock).read_text().splitlines()
    assert all(re.match(r"#|[a-z0-9._-]+==|    --hash=sha256:[0-9a-f]{64}", x) for x in lines), lock
    assert not [line for line in lines if "://" in line or line.startswith("-")]
    pinned = [index for index, line in enumerate(lines) if "==" in line and line[0] not in " #"]
    assert all("--hash=sha256:" in lines[index + 1] for index in pinned)
