"""``mailquay account``: who has mailboxes here."""

import asyncio
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from mailquay.cli.command import group, subcommand
from mailquay.cli.exits import CommandFailed, Exit
from mailquay.cli.output import Result, facts, parse_size, size, table
from mailquay.cli.passwords import Generate, PasswordStdin, new_password
from mailquay.cli.target import Target
from mailquay.events import ConfigChanged, IdentityRevoked
from mailquay.identity import normalise_address
from mailquay.identity.addresses import normalise_domain
from mailquay.identity.passwords import Credentials, PasswordHasher
from mailquay.store.accounts import Account

__all__ = ["app"]

app = group("Accounts: who has mailboxes here.")

_Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="Such as ada@example.com.")]
_QUOTA_HELP = "Such as 500M or 10G; `none` for no limit, `default` for the settings' own."


class Role(StrEnum):
    """What an account may do."""

    USER = "user"
    ADMIN = "admin"


def _data(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "address": account.address,
        "display_name": account.display_name,
        "role": account.role,
        "state": account.state,
        "quota_bytes": account.quota_bytes,
        "used_bytes": account.used_bytes,
        "used_messages": account.used_messages,
    }


def _quota(account: Account) -> str:
    match account.quota_bytes:
        case None:
            return "default"
        case 0:
            return "none"
        case number:
            return size(number)


def _parse_quota(text: str) -> int | None:
    match text.lower():
        case "default":
            return None
        case "none":
            return 0
        case _:
            return parse_size(text)


async def _hash(target: Target, password: str) -> Credentials:
    hasher = PasswordHasher(target.settings.identity)
    return await asyncio.to_thread(hasher.hash, password)


async def _announce(target: Target, account: Account, *, is_revoked: bool) -> None:
    """Caches of the account are void; with ``is_revoked``, so is what was signed in."""
    await target.announce(
        ConfigChanged(kind="account", name=account.address),
        *(
            [IdentityRevoked(account_id=account.id, credential_version=account.credential_version)]
            if is_revoked
            else []
        ),
    )


@subcommand(app, "add")
async def add(
    target: Target,
    address: _Address,
    name: Annotated[str, typer.Option(help="As it stands in From fields.")] = "",
    role: Annotated[Role, typer.Option(help="What the account may do.")] = Role.USER,
    quota: Annotated[str, typer.Option(metavar="SIZE", help=_QUOTA_HELP)] = "default",
    password_stdin: PasswordStdin = False,
    generate: Generate = False,
) -> Result:
    """Add an account; the password is asked for, read from standard input, or made."""
    normal, quota_bytes = normalise_address(address), _parse_quota(quota)
    store = await target.store()
    await store.accounts.get_domain(normal.rpartition("@")[2])  # before a password is asked for
    password = new_password(from_stdin=password_stdin, generate=generate)
    credentials = await _hash(target, password)
    account = await store.accounts.add(
        normal,
        credentials.password_hash,
        credentials.scram_sha256,
        display_name=name,
        role=role.value,
        quota_bytes=quota_bytes,
    )
    await _announce(target, account, is_revoked=False)
    made = {"password": password} if generate else {}
    told = f" Its password is {password}" if generate else ""
    return Result({**_data(account), **made}, f"Added the account {account.address}.{told}")


@subcommand(app, "list")
async def list_(
    target: Target,
    domain: Annotated[str | None, typer.Option(help="Only those of this domain.")] = None,
) -> Result:
    """List the accounts."""
    accounts = (await target.store()).accounts
    name = None if domain is None else (await accounts.get_domain(normalise_domain(domain))).name
    found = await accounts.list_accounts(name)
    rows = [
        (a.address, a.display_name, a.role, a.state, a.used_messages, size(a.used_bytes), _quota(a))
        for a in found
    ]
    columns = ["Address", "Name", "Role", "State", "Messages#", "Used#", "Quota#"]
    return Result([_data(a) for a in found], table(columns, rows, empty="There are no accounts."))


@subcommand(app, "show")
async def show(target: Target, address: _Address) -> Result:
    """Show an account with the aliases that lead to it."""
    accounts = (await target.store()).accounts
    account = await accounts.by_address(normalise_address(address))
    aliases = [a.address for a in await accounts.list_aliases() if account.address in a.targets]
    text = facts(
        {
            "Address": account.address,
            "Name": account.display_name or None,
            "Role": account.role,
            "State": account.state,
            "Messages": account.used_messages,
            "Used": size(account.used_bytes),
            "Quota": _quota(account),
            "Aliases": ", ".join(aliases) or None,
        }
    )
    return Result({**_data(account), "aliases": aliases}, text)


@subcommand(app, "passwd")
async def passwd(
    target: Target,
    address: _Address,
    password_stdin: PasswordStdin = False,
    generate: Generate = False,
) -> Result:
    """Replace an account's password; what was signed in with the old one is signed out."""
    store = await target.store()
    normal = (await store.accounts.by_address(normalise_address(address))).address
    password = new_password(from_stdin=password_stdin, generate=generate)
    made = await _hash(target, password)
    account = await store.accounts.set_password(normal, made.password_hash, made.scram_sha256)
    await _announce(target, account, is_revoked=True)
    told = f" It is {password}" if generate else ""
    return Result(
        {"address": normal, **({"password": password} if generate else {})},
        f"{normal} has a new password.{told}",
    )


async def _set_state(target: Target, address: str, state: str) -> Result:
    accounts = (await target.store()).accounts
    account = await accounts.set_state(normalise_address(address), state)
    await _announce(target, account, is_revoked=True)
    told = "may sign in and receive" if account.is_active else "neither signs in nor receives"
    return Result(_data(account), f"{account.address} {told}.")


@subcommand(app, "disable")
async def disable(target: Target, address: _Address) -> Result:
    """Keep an account from signing in and receiving; its mail stays."""
    return await _set_state(target, address, "disabled")


@subcommand(app, "enable")
async def enable(target: Target, address: _Address) -> Result:
    """Let a disabled account sign in and receive again."""
    return await _set_state(target, address, "active")


@subcommand(app, "quota")
async def quota(
    target: Target,
    address: _Address,
    limit: Annotated[str, typer.Argument(metavar="SIZE", help=_QUOTA_HELP)],
) -> Result:
    """Set how much an account may keep."""
    quota_bytes = _parse_quota(limit)
    accounts = (await target.store()).accounts
    account = await accounts.set_quota(normalise_address(address), quota_bytes)
    await _announce(target, account, is_revoked=False)
    return Result(
        _data(account),
        f"{account.address} uses {size(account.used_bytes)}; its quota is {_quota(account)}.",
    )


@subcommand(app, "remove")
async def remove(
    target: Target,
    address: _Address,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Result:
    """Remove an account with all its mail."""
    accounts = (await target.store()).accounts
    account = await accounts.by_address(normalise_address(address))
    question = f"Remove {account.address} with {account.used_messages} messages, for good?"
    if not yes and not typer.confirm(question, err=True):
        raise CommandFailed(Exit.REFUSED, f"{account.address} is left as it is")
    await accounts.remove(account.address)
    # No credentials come after the last: whatever was signed in is void.
    gone = replace(account, credential_version=account.credential_version + 1)
    await _announce(target, gone, is_revoked=True)
    return Result(
        {"removed": account.address, "messages": account.used_messages},
        f"Removed {account.address} and its {account.used_messages} messages.",
    )
