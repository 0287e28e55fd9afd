"""What is in the images, and what is not."""

import re
import stat
import subprocess
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tools.images.__main__ import IMAGES, ROOT
from tools.images.archives import BuiltImage

pytestmark = pytest.mark.cluster

BUDGET_BYTES = 150_000_000
SERVICES = [name for name in IMAGES if name not in ("tools", "trial")]
#: What compiles, installs or fetches, by any of its names.
UNWANTED_PROGRAMS = re.compile(
    r"(.*-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|ld|as|ar|strip|make|perl|apt.*|dpkg.*|pip[\d.]*|uv|npm|node)"
)
LOCKS = dict.fromkeys(IMAGES, "requirements-services.lock") | {"trial": "requirements-trial.lock"}

Built = Callable[[str], BuiltImage]


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest, built: Built) -> tuple[str, BuiltImage]:
    """Each image in its turn, with its name."""
    return request.param, built(request.param)


def test_it_keeps_to_its_budget(image: tuple[str, BuiltImage]):
    assert 20_000_000 < image[1].size_bytes <= BUDGET_BYTES


def test_it_has_the_name_that_a_cluster_asks_for(image: tuple[str, BuiltImage]):
    name, built = image
    [reference] = built.references
    repository, _, tag = reference.partition(":")
    assert repository in (f"docker.io/mailquay/{name}", f"mailquay/{name}")
    assert tag


def test_its_configuration_is_what_kubernetes_asks_for(image: tuple[str, BuiltImage]):
    name, built = image
    assert built.config["User"] == "65532:65532"
    assert "Healthcheck" not in built.config
    labels = built.config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"mailquay/{name}"
    assert built.references[0].endswith(f":{labels['org.opencontainers.image.version']}")
    assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])


def test_nothing_compiles_or_installs(image: tuple[str, BuiltImage]):
    _, built = image
    programs = [path for path in built.files() if path.stat().st_mode & 0o111]
    assert len(programs) > 3
    found = [path for path in programs if UNWANTED_PROGRAMS.fullmatch(path.name)]
    assert not found
    for package in ("pip", "setuptools", "hatchling", "ensurepip"):
        assert not list(built.root.rglob(f"*python3.11/**/{package}"))


def test_nothing_is_left_of_caches_lists_and_logs(image: tuple[str, BuiltImage]):
    root = image[1].root
    for folder in ("var/cache", "var/lib/apt", "var/log", "root", "src", "build", "tmp", "run"):
        left = [path for path in (root / folder).rglob("*") if not path.is_dir()]
        assert not left
    for name in ("etc/pip.conf", "etc/apt", "etc/resolv.conf", "etc/machine-id"):
        assert not (root / name).exists()


def test_authorities_of_the_machine_that_built_it_are_not_trusted(image: tuple[str, BuiltImage]):
    bundle = (image[1].root / "etc/ssl/certs/ca-certificates.crt").read_text()
    assert bundle.count("BEGIN CERTIFICATE") > 100
    for path in Path("/usr/local/share/ca-certificates").rglob("*.crt"):
        assert path.read_text().split("\n")[1] not in bundle


def test_no_file_gives_rights_or_can_be_changed(image: tuple[str, BuiltImage]):
    for path in image[1].root.rglob("*"):
        found = path.lstat()
        assert (found.st_uid, found.st_gid) == (0, 0), path
        if stat.S_ISREG(found.st_mode):
            assert not found.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH), path
        elif stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_IWOTH:
            assert found.st_mode & stat.S_ISVTX, path


def test_everything_is_compiled_once_for_all(image: tuple[str, BuiltImage]):
    """PEP 552: flags 1 say that the hash is of the source, and that nobody need check it."""
    _, built = image
    compiled = list(built.root.rglob("*.pyc"))
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\x01\x00\x00\x00"}
    found = {path.parents[1] / f"{path.name.split('.')[0]}.py" for path in compiled}
    sources = {path for path in built.root.rglob("*.py") if "lib2to3" not in path.parts}
    assert len(sources - found) <= 0.01 * len(sources), sorted(sources - found)


def test_what_is_installed_is_what_is_locked(image: tuple[str, BuiltImage]):
    name, built = image
    installed = {}
    for path in built.packages.glob("*.dist-info/METADATA"):
        metadata = HeaderParser().parsestr(path.read_text())
        installed[metadata["Name"].lower().replace("_", "-").replace(".", "-")] = metadata[
            "Version"
        ]
    ours = {name for name in installed if name.startswith("mailquay")}
    assert ours == ({"mailquay", f"mailquay-{name}"} if name in SERVICES else {"mailquay"})
    lines = re.findall(r"^\w.*?(?= \\$)", (ROOT / LOCKS[name]).read_text(), re.MULTILINE)
    locked = {}
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate():
            locked[requirement.name] = str(requirement.specifier).removeprefix("==")
    assert {key: value for key, value in installed.items() if key not in ours} == locked


def test_every_library_finds_those_it_needs(image: tuple[str, BuiltImage]):
    """Asked of the image's own loader, in the image: nothing of this machine may help."""
    root = image[1].root
    libraries = [
        f"/{path.relative_to(root)}"
        for path in image[1].files()
        if ".so" in path.suffixes and path.read_bytes()[:4] == b"\x7fELF"
    ]
    assert len(libraries) > 30
    [loader] = root.glob("usr/lib*/ld-linux-*.so.*")
    for library in libraries:
        done = subprocess.run(
            ["chroot", root, f"/usr/lib64/{loader.name}", "--list", library],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_services_share_all_but_their_own_layer(built: Built):
    shared = built("tools").layers
    for name in SERVICES:
        layers = built(name).layers
        assert layers[: len(shared)] == shared
        assert len(layers) <= len(shared) + 2


def test_webmail_has_its_application(built: Built):
    static = built("webmail-api").packages / "mailquay_webmail_api" / "static"
    page = (static / "index.html").read_text()
    named = re.findall(r"/assets/[\w.-]+\.(?:js|css)", page)
    assert named
    assert all((static / name.lstrip("/")).is_file() for name in named)
    assert not list(static.rglob("node_modules"))
