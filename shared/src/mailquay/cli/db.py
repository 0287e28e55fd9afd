"""``mailquay db``: the schema of the database.

Alembic takes longer to import than most commands take to run: only what needs it waits for it.
"""

from typing import Annotated

import typer

from mailquay.cli.command import group, subcommand
from mailquay.cli.exits import Exit
from mailquay.cli.output import Result, facts
from mailquay.cli.target import Target
from mailquay.store.schema import THIS_RELEASE, Phase

__all__ = ["app"]

app = group("The schema of the database.")


@subcommand(app, "upgrade")
async def upgrade(
    target: Target,
    phase: Annotated[
        Phase,
        typer.Option(
            help="`expand` before services of this release start beside those of the one before, "
            "`contract` once the last of those has ended; `all` where none of them runs."
        ),
    ] = Phase.ALL,
    wait: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="How long to wait for Postgres, and before a contraction for services of older "
            "releases to end.",
        ),
    ] = 0,
) -> Result:
    """Bring the schema to what this release wants; safe to start on many machines at once.

    A newer schema on which this release can run is left as it is.
    """
    from mailquay.store import migrations  # noqa: PLC0415  # see above

    url = target.settings.database.url.get_secret_value()
    await migrations.upgrade(url, phase, wait_seconds=wait)
    state = await migrations.state(url)
    pending = [revision.id for revision in THIS_RELEASE.pending(state.revision)]
    told = f"The schema is at {state.revision}."
    if not THIS_RELEASE.knows(state.revision):
        told = f"The schema is at {state.revision}, of a newer release; this one can run on it."
    elif pending:
        told += f" To come by `--phase contract`: {', '.join(pending)}."
    data = {"current": state.revision, "head": THIS_RELEASE.head, "pending": pending}
    return Result(data, told)


@subcommand(app, "current")
async def current(target: Target) -> Result:
    """Show the schema's revision; ends with 1 when this release cannot run on it."""
    from mailquay.store import migrations  # noqa: PLC0415  # see above

    state = await migrations.state(target.settings.database.url.get_secret_value())
    misfit = THIS_RELEASE.misfit(state)
    pending = [revision.id for revision in THIS_RELEASE.pending(state.revision)]
    data = {
        "current": state.revision,
        "head": THIS_RELEASE.head,
        "oldest_release": state.oldest_release,
        "pending": pending,
        "fits": misfit is None,
    }
    told = "up to date"
    if misfit is not None:
        told = f"{misfit}; run `mailquay db upgrade`" if pending else str(misfit)
    elif pending:
        told = "this release can run on it; `mailquay db upgrade --phase contract` is to come"
    elif state.revision != THIS_RELEASE.head:
        told = "of a newer release; this one can run on it"
    text = facts(
        {
            "Schema": state.revision or "none",
            "Serves releases from": state.oldest_release or "none",
            "This release": THIS_RELEASE.head,
            "State": told,
        }
    )
    return Result(data, text, Exit.OK if misfit is None else Exit.CHECK_FAILED)
