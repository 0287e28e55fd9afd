"""``mailquay alias``: addresses whose mail goes to others."""

from typing import Annotated, Any

import typer

from mailquay.cli.command import group, subcommand
from mailquay.cli.output import Result, table
from mailquay.cli.target import Target
from mailquay.events import ConfigChanged
from mailquay.identity import normalise_address
from mailquay.store.accounts import Alias

__all__ = ["app"]

app = group("Addresses whose mail goes to others.")

_Address = Annotated[str, typer.Argument(metavar="ALIAS", help="Such as team@example.com.")]


def _data(alias: Alias) -> dict[str, Any]:
    return {"address": alias.address, "targets": list(alias.targets)}


@subcommand(app, "add")
async def add(
    target: Target,
    address: _Address,
    targets: Annotated[
        list[str],
        typer.Argument(metavar="ADDRESS...", help="Where its mail goes, here or elsewhere."),
    ],
) -> Result:
    """Send an address' mail to others; adds to those that it goes to already."""
    store = await target.store()
    alias = await store.accounts.add_alias(
        normalise_address(address), [normalise_address(each) for each in targets]
    )
    await target.announce(ConfigChanged(kind="alias", name=alias.address))
    return Result(_data(alias), f"{alias.address} goes to {', '.join(alias.targets)}.")


@subcommand(app, "list")
async def list_(target: Target) -> Result:
    """List the aliases."""
    aliases = await (await target.store()).accounts.list_aliases()
    rows = [(alias.address, ", ".join(alias.targets)) for alias in aliases]
    return Result(
        [_data(alias) for alias in aliases],
        table(["Alias", "Goes to"], rows, empty="There are no aliases."),
    )


@subcommand(app, "remove")
async def remove(
    target: Target,
    address: _Address,
    goes_to: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="Only this one of its addresses.")
    ] = None,
) -> Result:
    """Remove an alias, or one of the addresses that it goes to."""
    name = normalise_address(address)
    one = None if goes_to is None else normalise_address(goes_to)
    await (await target.store()).accounts.remove_alias(name, one)
    await target.announce(ConfigChanged(kind="alias", name=name))
    told = f"Removed the alias {name}." if one is None else f"{name} no longer goes to {one}."
    return Result({"removed": name, "target": one}, told)
