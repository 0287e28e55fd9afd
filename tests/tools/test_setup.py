"""``tools/setup`` on machines that lack something, told in plain words; what is done stays done."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with nothing in it but the script, and a PATH with nothing but a shell."""
    (tmp_path / "tools").mkdir()
    shutil.copy(TOOLS / "setup", tmp_path / "tools" / "setup")
    (tmp_path / "bin").mkdir()
    for name in ("sh", "dirname"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    return tmp_path


def setup(repository: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [repository / "tools" / "setup", "runtime"],
        capture_output=True, text=True, check=False, env={"PATH": str(repository / "bin")},
    )  # fmt: skip


def python(repository: Path, script: str) -> None:
    """Put a python3 on the PATH that answers as ``script`` says; ``$2`` is the code to run."""
    path = repository / "bin" / "python3"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_machine_without_python_is_told(repository: Path):
    done = setup(repository)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer, and there is none here" in done.stderr


def test_machine_whose_python_is_too_old_is_told(repository: Path):
    python(repository, 'case "$2" in *version_info*) exit 1 ;; esac')
    done = setup(repository)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert not (repository / ".venv").exists()


def test_machine_without_venv_is_told_what_to_install(repository: Path):
    python(
        repository, 'case "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.12 ;; *) exit 0 ;; esac'
    )
    done = setup(repository)
    assert done.returncode == 1
    assert "sudo apt install python3-venv (or python3.12-venv)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def install() -> ModuleType:
    """``tools/install.py``."""
    spec = importlib.util.spec_from_file_location("install", TOOLS / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_step_is_done_again_only_when_what_it_is_made_from_has_changed(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(install, "ROOT", tmp_path)
    source, stamp = tmp_path / "source", tmp_path / "stamp"
    source.write_text("one")
    assert not install.is_done(stamp, install.fingerprint([source]))
    stamp.write_text(install.fingerprint([source]))
    os.utime(source, (0, 0))
    assert install.is_done(stamp, install.fingerprint([source]))
    source.write_text("two")
    assert not install.is_done(stamp, install.fingerprint([source]))


@pytest.mark.parametrize(
    ("version", "is_new_enough"),
    [("v24.1.0", True), ("v20.19.0", True), ("v20.18.3", False), ("v18.20.0", False), ("", False)],
)
def test_node_of_the_machine_is_taken_when_it_is_new_enough(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version, is_new_enough
):
    for name in ("node", "npm"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{version}'\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install.has_node() is is_new_enough


def test_machine_without_node_is_seen(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install.has_node() is False
