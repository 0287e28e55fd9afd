"""``mailquay trim``: forget by age what would otherwise only grow."""

import typer

from mailquay.cli.command import subcommand
from mailquay.cli.output import Result, facts
from mailquay.cli.target import Target
from mailquay.store.retention import trim as trim_store

__all__ = ["register"]

_NAMES = {
    "submissions": "Submissions over",
    "removed_submissions": "Submissions removed before",
    "removed_identities": "Identities removed",
    "removed_mailboxes": "Mailboxes removed",
    "expunged": "Messages removed",
    "uploads": "Uploads expired",
    "sessions": "Sessions expired",
}


async def trim(target: Target) -> Result:
    """Forget what is older than `MAILQUAY_RETENTION__*` say; mail is never among it.

    It works in slices, beside running services: it may be ended anywhere, and run twice at once.
    """
    done = await trim_store(await target.store(), target.settings.retention)
    return Result(done, facts({_NAMES[kind]: count for kind, count in done.items()}))


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    subcommand(app, "trim")(trim)
