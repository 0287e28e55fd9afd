"""New passwords for the command: asked for, read or made; never an argument, which `ps` shows."""

import sys
from typing import Annotated

import typer

from mailquay.cli.exits import CommandFailed, Exit
from mailquay.identity.passwords import generate_password

__all__ = ["Generate", "PasswordStdin", "new_password", "read_password"]

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input's line.")
]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password, and print it.")]

_PASSWORD_MAX_BYTES = 1024


def new_password(*, from_stdin: bool, generate: bool) -> str:
    """The password that an account is to have.

    Raises:
        CommandFailed: there is nobody to ask, or it cannot be one.
    """
    if generate and from_stdin:
        raise CommandFailed(Exit.USAGE, "give --password-stdin or --generate, not both")
    if generate:
        return generate_password()
    if not from_stdin and not sys.stdin.isatty():
        raise CommandFailed(Exit.USAGE, "give --password-stdin or --generate: nobody is to ask")
    return read_password("Password", from_stdin=from_stdin, confirm=True)


def read_password(prompt: str, *, from_stdin: bool, confirm: bool = False) -> str:
    """A password from the first line of standard input, or from the terminal, unseen.

    Raises:
        CommandFailed: it is empty, too long, or holds control characters.
    """
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    if not password or len(password.encode("utf-8", "replace")) > _PASSWORD_MAX_BYTES:
        raise CommandFailed(Exit.MALFORMED, "a password has 1 to 1024 bytes")
    if not password.isprintable():
        raise CommandFailed(Exit.MALFORMED, "a password holds no control characters")
    return password
