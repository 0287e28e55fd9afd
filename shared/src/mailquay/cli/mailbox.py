"""``mailquay mailbox``: what is in an account."""

from typing import Annotated

import typer

from mailquay.cli.command import group, subcommand
from mailquay.cli.output import Result, size, table
from mailquay.cli.target import Target
from mailquay.identity import normalise_address
from mailquay.store.ids import mailbox_object_id

__all__ = ["app"]

app = group("Mailboxes of an account.")


@subcommand(app, "list")
async def list_(
    target: Target,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Such as ada@example.com.")],
) -> Result:
    """List an account's mailboxes with what is in them."""
    store = await target.store()
    account = await store.accounts.by_address(normalise_address(address))
    mailboxes = sorted(
        await store.mailboxes.list_mailboxes(account.id), key=lambda m: (m.sort_order, m.name)
    )
    data = [
        {
            "id": mailbox_object_id(m.id),
            "name": m.name,
            "role": m.role,
            "messages": m.messages,
            "unseen": m.unseen,
            "bytes": m.bytes,
            "uidvalidity": m.uidvalidity,
            "uidnext": m.uidnext,
            "highestmodseq": m.highestmodseq,
            "is_subscribed": m.is_subscribed,
        }
        for m in mailboxes
    ]
    rows = [
        (m.name, m.role, m.messages, m.unseen, size(m.bytes), m.uidvalidity, m.uidnext)
        for m in mailboxes
    ]
    columns = ["Mailbox", "Role", "Messages#", "Unseen#", "Size#", "UIDVALIDITY#", "UIDNEXT#"]
    return Result(data, table(columns, rows, empty="There are no mailboxes."))
