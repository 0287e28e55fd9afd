"""What builds the images is found by trying it, and told how this machine reaches the registries."""

import os
from pathlib import Path

import pytest
from tools.images.__main__ import copy_sources
from tools.images.builders import BuilderError, find_builder
from tools.images.registries import build_arguments, secrets


def install(folder: Path, name: str, script: str) -> None:
    """Put a program where it is found first."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_client_whose_daemon_does_not_answer_is_passed_over(programs: Path):
    install(programs, "docker", "exit 1")
    install(programs, "podman", "exit 1")
    install(programs, "buildah", "exit 0")
    assert find_builder(None).name == "buildah"


def test_first_that_works_is_taken(programs: Path):
    for name in ("docker", "podman", "buildah"):
        install(programs, name, "exit 0")
    assert find_builder(None).name == "docker"
    assert find_builder("buildah").name == "buildah"


def test_none_that_works_is_told(programs: Path):
    install(programs, "docker", "exit 1")
    with pytest.raises(BuilderError, match="docker, podman or buildah is needed"):
        find_builder(None)
    with pytest.raises(BuilderError, match=r"^docker is needed"):
        find_builder("docker")


def test_pips_settings_are_handed_over_without_what_is_of_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    certificates = tmp_path / "ca.pem"
    certificates.write_text("pem\n")
    (tmp_path / "pip.conf").write_text(
        f"[global]\nindex-url = https://a.test/simple\ncert = {certificates}\ntarget = /nowhere\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_INDEX_URL", "https://b.test/simple")
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(tmp_path / "missing"))
    found = secrets(tmp_path)
    assert found.keys() == {"certificates", "pip"}
    assert found["certificates"] == certificates
    assert found["pip"].read_text().splitlines() == [
        "[global]",
        "index-url = https://b.test/simple",
    ]


def test_proxies_of_the_environment_are_handed_over(monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("HTTP_PROXY", "")
    assert build_arguments()["https_proxy"] == "http://proxy.test:3128"
    assert "HTTP_PROXY" not in build_arguments()


def test_sources_are_copied_without_what_is_made_from_them(tmp_path: Path):
    context = copy_sources(tmp_path / "context")
    names = {path.name for path in context.rglob("*")}
    assert {"Dockerfile", ".dockerignore", "slim.py", "package-lock.json", "postgres.py"} <= names
    assert names.isdisjoint({"node_modules", "__pycache__", "dist", "tests", ".venv", ".git"})
