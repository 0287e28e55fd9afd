"""How long is kept what would otherwise only grow."""

from pydantic import Field

from mailquay.runtime.settings.values import Group

__all__ = ["RetentionSettings"]


class RetentionSettings(Group):
    """What `mailquay trim` forgets by its age; mail itself is never among it."""

    history_seconds: int = Field(
        90 * 86400,
        ge=0,
        description="How long it is known what was deleted: a mail program that was away for "
        "longer reads its folders anew instead of asking what has changed.",
    )
    submissions_seconds: int = Field(
        90 * 86400,
        ge=0,
        description="How long JMAP shows what became of a message that was sent; not shorter than "
        "`smtp_out.max_age_seconds`, in which its fate is decided.",
    )
    trim_interval_seconds: float = Field(
        3600,
        ge=1,
        description="How often `mailquay standalone` trims; elsewhere a schedule runs "
        "`mailquay trim`.",
    )
