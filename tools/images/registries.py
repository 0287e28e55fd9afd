"""How this machine reaches the package registries, handed to the build and kept nowhere.

On a machine with the plain internet all of it is empty.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

#: Docker's predefined arguments: no stage sees them declared, and no history has them.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
#: Settings of pip that say where and how, not what.
_PIP = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")


def build_arguments() -> dict[str, str]:
    """The proxies to go through."""
    names = [*_PROXIES, *(name.lower() for name in _PROXIES)]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def secrets(folder: Path) -> dict[str, Path]:
    """The files that the Dockerfile's steps may read, by id; those that are made are in ``folder``.

    ``certificates`` are the authorities that this machine was told to trust, ``pip`` a pip.conf,
    ``npm`` an .npmrc.
    """
    found: dict[str, Path] = {}
    pip = pip_settings()
    trusted = pip.get("cert") or os.environ.get("SSL_CERT_FILE", "")
    if trusted and Path(trusted).is_file():
        found["certificates"] = Path(trusted)
    lines = [f"{name} = {' '.join(pip[name].split())}\n" for name in _PIP if name in pip]
    if lines:
        found["pip"] = folder / "pip.conf"
        found["pip"].write_text("[global]\n" + "".join(lines))
    npm = Path(os.environ.get("NPM_CONFIG_USERCONFIG") or Path.home() / ".npmrc")
    if npm.is_file():
        found["npm"] = npm
    return found


def pip_settings() -> Mapping[str, str]:
    """What pip has been told here, by files or the environment, which wins; empty without pip."""
    told = ""
    for pip in ((sys.executable, "-m", "pip"), ("pip3",), ("pip",)):
        with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError):
            told = subprocess.run(
                [*pip, "config", "list"], capture_output=True, text=True, check=True
            ).stdout
            break
    settings: dict[str, str] = {}
    from_environment: dict[str, str] = {}
    for line in told.splitlines():
        key, _, value = line.partition("=")
        where, _, name = key.rpartition(".")
        if where in ("global", "install"):
            settings[name] = value.strip("'")
        elif where == ":env:":
            from_environment[name] = value.strip("'")
    return settings | from_environment
