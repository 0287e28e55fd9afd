"""``mailquay domain``: whose mail is delivered here."""

from typing import Annotated, Any

import typer

from mailquay.cli.command import group, subcommand
from mailquay.cli.output import Result, facts, table
from mailquay.cli.target import Target
from mailquay.events import ConfigChanged
from mailquay.identity import normalise_address
from mailquay.identity.addresses import normalise_domain
from mailquay.store.accounts import Domain

__all__ = ["app"]

app = group("Domains whose mail is delivered here.")

_Name = Annotated[str, typer.Argument(metavar="DOMAIN", help="Such as example.com.")]


def _data(domain: Domain) -> dict[str, Any]:
    return {
        "name": domain.name,
        "catch_all": domain.catch_all,
        "subaddress_separator": domain.subaddress_separator,
    }


@subcommand(app, "add")
async def add(
    target: Target,
    name: _Name,
    catch_all: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where mail to unknown recipients goes."),
    ] = None,
) -> Result:
    """Add a domain."""
    whole = None if catch_all is None else normalise_address(catch_all)
    store = await target.store()
    domain = await store.accounts.add_domain(normalise_domain(name), catch_all=whole)
    await target.announce(ConfigChanged(kind="domain", name=domain.name))
    return Result(_data(domain), f"Added the domain {domain.name}.")


@subcommand(app, "list")
async def list_(target: Target) -> Result:
    """List the domains."""
    domains = await (await target.store()).accounts.list_domains()
    rows = [(domain.name, domain.catch_all) for domain in domains]
    empty = "There are no domains; add one by `mailquay domain add`."
    return Result(
        [_data(domain) for domain in domains],
        table(["Domain", "Catch-all"], rows, empty=empty),
    )


@subcommand(app, "show")
async def show(target: Target, name: _Name) -> Result:
    """Show a domain with its accounts and aliases."""
    accounts = (await target.store()).accounts
    domain = await accounts.get_domain(normalise_domain(name))
    own = await accounts.list_accounts(domain.name)
    ending = f"@{domain.name}"
    aliases = [a for a in await accounts.list_aliases() if a.address.endswith(ending)]
    data = {
        **_data(domain),
        "accounts": [account.address for account in own],
        "aliases": [alias.address for alias in aliases],
    }
    text = facts(
        {
            "Domain": domain.name,
            "Catch-all": domain.catch_all,
            "Subaddresses": f"name{domain.subaddress_separator}detail{ending}",
            "Accounts": len(own),
            "Aliases": len(aliases),
        }
    )
    return Result(data, text)


@subcommand(app, "catch-all")
async def catch_all(
    target: Target,
    name: _Name,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Where it goes; `none` refuses it.")
    ],
) -> Result:
    """Say where mail to unknown recipients of a domain goes."""
    whole = None if address == "none" else normalise_address(address)
    accounts = (await target.store()).accounts
    domain_name = normalise_domain(name)
    await accounts.set_catch_all(domain_name, whole)
    await target.announce(ConfigChanged(kind="domain", name=domain_name))
    domain = await accounts.get_domain(domain_name)
    told = "is refused" if whole is None else f"goes to {whole}"
    return Result(_data(domain), f"Mail to unknown recipients of {domain.name} {told}.")


@subcommand(app, "remove")
async def remove(target: Target, name: _Name) -> Result:
    """Remove a domain that has no accounts; its aliases go with it."""
    domain_name = normalise_domain(name)
    await (await target.store()).accounts.remove_domain(domain_name)
    await target.announce(ConfigChanged(kind="domain", name=domain_name))
    return Result({"removed": domain_name}, f"Removed the domain {domain_name}.")
