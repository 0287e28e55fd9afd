"""``mailquay queue``: mail on its way to elsewhere."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from mailquay.cli.command import group, subcommand
from mailquay.cli.exits import CommandFailed, Exit
from mailquay.cli.output import Result, facts, size, table
from mailquay.cli.target import Target
from mailquay.events import QueueReady
from mailquay.store.queue import QueuedMessage, QueuedRecipient

__all__ = ["app"]

app = group("Mail on its way to elsewhere.")

_Ids = Annotated[
    list[int] | None, typer.Argument(metavar="[ID]...", help="Of messages, as `list` shows them.")
]
_All = Annotated[bool, typer.Option("--all", help="Every message.")]


class State(StrEnum):
    """Where a recipient stands."""

    QUEUED = "queued"
    HELD = "held"
    DELIVERED = "delivered"
    FAILED = "failed"


def _recipient_data(recipient: QueuedRecipient) -> dict[str, Any]:
    return {
        "address": recipient.address,
        "state": recipient.state,
        "attempts": recipient.attempts,
        "next_attempt_at": recipient.next_attempt_at,
        "last_attempt_at": recipient.last_attempt_at,
        "last_host": recipient.last_host,
        "last_reply": recipient.last_reply,
        "is_being_tried": recipient.lease_owner is not None,
        "possible_duplicate": recipient.possible_duplicate,
    }


def _data(message: QueuedMessage, recipients: list[QueuedRecipient]) -> dict[str, Any]:
    return {
        "id": message.id,
        "reverse_path": message.reverse_path,
        "size": message.size,
        "created_at": message.created_at,
        "expires_at": message.expires_at,
        "envelope_id": message.envelope_id,
        "trace_id": message.trace_id,
        "recipients": [_recipient_data(recipient) for recipient in recipients],
    }


def _recipient_rows(recipients: list[QueuedRecipient]) -> list[tuple[object, ...]]:
    return [
        (
            r.address,
            "being tried" if r.lease_owner else r.state,
            r.attempts,
            r.next_attempt_at if r.state == State.QUEUED else None,
            r.last_reply,
        )
        for r in recipients
    ]


_RECIPIENT_COLUMNS = ["To", "State", "Attempts#", "Next", "Last reply"]


@subcommand(app, "list")
async def list_(
    target: Target,
    state: Annotated[
        State | None, typer.Option(help="Only with a recipient in this state.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Messages at most.")] = 100,
) -> Result:
    """List the messages that wait or are held, the oldest first; ``--state`` lists others."""
    found = await (await target.store()).queue.list_messages(
        state=None if state is None else state.value, limit=limit
    )
    rows = [
        (message.id if number == 0 else "", message.reverse_path or "<>", *row)
        for message, recipients in found
        for number, row in enumerate(_recipient_rows(recipients))
    ]
    return Result(
        [_data(message, recipients) for message, recipients in found],
        table(["ID#", "From", *_RECIPIENT_COLUMNS], rows, empty="The queue is empty."),
    )


@subcommand(app, "show")
async def show(
    target: Target, message_id: Annotated[int, typer.Argument(metavar="ID", help="Of a message.")]
) -> Result:
    """Show a message with all its recipients."""
    message, recipients = await (await target.store()).queue.show(message_id)
    grid = facts(
        {
            "ID": message.id,
            "From": message.reverse_path or "<>",
            "Size": size(message.size),
            "Entered": message.created_at,
            "Expires": message.expires_at,
            "Trace": message.trace_id or None,
            **{
                f"To {r.address}": f"{'being tried' if r.lease_owner else r.state}, "
                f"{r.attempts} attempts; {r.last_host or ''} {r.last_reply or 'no reply yet'}"
                for r in recipients
            },
        }
    )
    return Result(_data(message, recipients), grid)


async def _change(
    target: Target,
    ids: list[int] | None,
    is_all: bool,
    change: Callable[[int | None], Awaitable[int]],
    told: str,
) -> Result:
    """Change the recipients of those messages, or of all; services hear of it at once."""
    if is_all == bool(ids):
        raise CommandFailed(Exit.USAGE, "name messages by their IDs, or give --all")
    store = await target.store()
    for each in ids or ():
        await store.queue.show(each)  # a wrong ID is told before anything is changed
    count = sum([await change(each) for each in ids or ()]) if ids else await change(None)
    await target.announce(QueueReady())
    return Result({"recipients": count}, f"{count} recipients {told}.")


@subcommand(app, "retry")
async def retry(target: Target, ids: _Ids = None, is_all: _All = False) -> Result:
    """Try messages again now, whenever their next attempt would be."""
    queue = (await target.store()).queue
    return await _change(target, ids, is_all, queue.retry, "are due now")


@subcommand(app, "hold")
async def hold(target: Target, ids: _Ids = None, is_all: _All = False) -> Result:
    """Keep messages from being tried until they are released."""
    queue = (await target.store()).queue
    return await _change(target, ids, is_all, queue.hold, "are held")


@subcommand(app, "release")
async def release(target: Target, ids: _Ids = None, is_all: _All = False) -> Result:
    """Let held messages go on, at once."""
    queue = (await target.store()).queue
    return await _change(target, ids, is_all, queue.release, "are released")


@subcommand(app, "remove")
async def remove(
    target: Target,
    ids: Annotated[list[int], typer.Argument(metavar="ID...", help="Of messages.")],
) -> Result:
    """Take messages out of the queue; nobody is told."""
    queue = (await target.store()).queue
    for each in ids:
        await queue.show(each)
    for each in ids:
        await queue.remove(each)
    return Result({"removed": ids}, f"Removed {', '.join(map(str, ids))}.")
