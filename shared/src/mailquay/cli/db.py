"""``mailquay db``: the schema of the database.

Alembic takes longer to import than most commands take to run: only what needs it waits for it.
"""

from mailquay.cli.command import group, subcommand
from mailquay.cli.exits import Exit
from mailquay.cli.output import Result, facts
from mailquay.cli.target import Target
from mailquay.store import head_revision

__all__ = ["app"]

app = group("The schema of the database.")


@subcommand(app, "upgrade")
async def upgrade(target: Target) -> Result:
    """Bring the schema to what this release wants; safe to start on many machines at once."""
    from mailquay.store import migrations  # noqa: PLC0415  # see above

    url = target.settings.database.url.get_secret_value()
    before = await migrations.current(url)
    await migrations.upgrade(url)
    after = await migrations.current(url)
    told = f"The schema is at {after}" + ("; it was so before." if before == after else ".")
    return Result({"before": before, "current": after, "head": head_revision()}, told)


@subcommand(app, "current")
async def current(target: Target) -> Result:
    """Show the schema's revision; ends with 1 when it is not the one this release wants."""
    from mailquay.store import migrations  # noqa: PLC0415  # see above

    revision = await migrations.current(target.settings.database.url.get_secret_value())
    head = head_revision()
    is_current = revision == head
    data = {"current": revision, "head": head, "is_current": is_current}
    text = facts(
        {
            "Schema": revision or "none",
            "This release": head,
            "State": "up to date" if is_current else "run `mailquay db upgrade`",
        }
    )
    return Result(data, text, Exit.OK if is_current else Exit.CHECK_FAILED)
