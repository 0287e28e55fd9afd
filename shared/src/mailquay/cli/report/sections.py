"""What a report says, before it is text or HTML: a few sections, and what wants attention. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mailquay.cli.output import size
from mailquay.cli.report.figures import FULL_SHARE, Figures
from mailquay.store.summary import Destination
from mailquay.store.tasks import TaskResult

__all__ = ["Section", "attention", "sections"]

_OLD_QUEUE_SECONDS: Final = 4 * 3600
_CERTIFICATE_SOON: Final = timedelta(days=14)
#: A task that runs daily, and has not for this long, does not run.
_TASK_LATE: Final = timedelta(hours=50)
_TASKS: Final = {
    "collect": ("Bodies collected", "mailquay blobs collect"),
    "trim": ("History trimmed", "mailquay trim"),
}


@dataclass(frozen=True, slots=True)
class Section:
    """A table; ``columns`` is empty where each row is a name and a value."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...] = ()
    note: str = ""


def attention(figures: Figures) -> list[str]:
    """What an administrator should look at, worst first; nothing, on a good day."""
    found = []
    if figures.certificate_until is not None:
        left = figures.certificate_until - figures.at
        if left < timedelta(0):
            found.append(f"The certificate expired on {_day(figures.certificate_until)}.")
        elif left < _CERTIFICATE_SOON:
            until = _day(figures.certificate_until)
            found.append(f"The certificate expires in {left.days} days, on {until}.")
    if figures.depth.oldest_seconds > _OLD_QUEUE_SECONDS:
        found.append(
            f"Mail to elsewhere has waited for {_span(figures.depth.oldest_seconds)}: "
            "`mailquay queue list` tells why."
        )
    if figures.depth.held:
        found.append(f"{_count(figures.depth.held, 'recipient')} held in the queue.")
    if figures.usage.full_count:
        found.append(
            f"{_count(figures.usage.full_count, 'account')} over {FULL_SHARE:.0%} of the quota."
        )
    if figures.pending:
        found.append("The schema is to be contracted: `mailquay db upgrade --phase contract`.")
    for name, (told, command) in _TASKS.items():
        last = figures.tasks.get(name)
        if last is not None and figures.at - last.at > _TASK_LATE:
            found.append(f"{told} last on {_moment(last.at)}: does `{command}` run?")
    return found


def sections(figures: Figures) -> list[Section]:
    """Everything there is to tell."""
    found = [_day_section(figures), _queue_section(figures)]
    if figures.waiting:
        found.append(_destinations("Waiting, by destination", figures.waiting, figures.at))
    if figures.failed:
        found.append(_destinations("Given up, by destination", figures.failed, figures.at))
    found.append(_storage_section(figures))
    if figures.usage.full:
        found.append(_full_section(figures))
    found.append(_system_section(figures))
    return found


def _day_section(figures: Figures) -> Section:
    rows = []
    if figures.deliveries is not None:
        rows.append(("Delivered into mailboxes here", f"{figures.deliveries:,}"))
    if figures.queue_day is not None:
        day = figures.queue_day
        rows += [
            ("Messages taken for elsewhere", f"{day.queued:,}"),
            ("Recipients elsewhere reached", f"{day.delivered:,}"),
            ("Recipients elsewhere given up", f"{day.failed:,}"),
        ]
    note = (
        "What was refused at the door is in the metrics alone (mailquay_smtp_messages_total), "
        "not in the database."
    )
    return Section("The last 24 hours", tuple(rows), note=note)


def _queue_section(figures: Figures) -> Section:
    depth = figures.depth
    rows = [("Recipients that wait", f"{depth.queued:,}"), ("On hold", f"{depth.held:,}")]
    if depth.queued or depth.held:
        rows.append(("The oldest has waited for", _span(depth.oldest_seconds)))
    return Section("The queue now", tuple(rows))


def _destinations(title: str, found: list[Destination], at: datetime) -> Section:
    rows = tuple(
        (
            one.domain,
            f"{one.recipients:,}",
            _span((at - one.oldest_at).total_seconds()),
            one.last_reply or "not tried yet",
        )
        for one in found
    )
    return Section(title, rows, ("Domain", "Recipients", "Oldest", "Last reply"))


def _storage_section(figures: Figures) -> Section:
    usage = figures.usage
    before = figures.before

    def grown(name: str, now: int, *, is_size: bool) -> str:
        told = size(now) if is_size else f"{now:,}"
        if not before:
            return told
        change = now - before[name]
        sign = "+" if change >= 0 else "\N{MINUS SIGN}"
        amount = size(abs(change)) if is_size else f"{abs(change):,}"
        return f"{told} ({sign}{amount})"

    rows = (
        ("Accounts", grown("accounts", usage.accounts, is_size=False)),
        ("Messages", grown("messages", usage.messages, is_size=False)),
        ("Mail", grown("bytes", usage.bytes, is_size=True)),
        ("Database", grown("database_bytes", figures.database_bytes, is_size=True)),
    )
    note = ""
    if before:
        since = datetime.fromisoformat(before["at"])
        note = f"In brackets: since the report of {_moment(since)}."
    return Section("Storage", rows, note=note)


def _full_section(figures: Figures) -> Section:
    rows = tuple(
        (
            one.address,
            f"{one.used_bytes / one.quota_bytes:.0%}",
            f"{size(one.used_bytes)} of {size(one.quota_bytes)}",
        )
        for one in figures.usage.full
    )
    left = figures.usage.full_count - len(rows)
    return Section(
        "Nearly full", rows, ("Account", "Used", "That is"), f"And {left:,} more." if left else ""
    )


def _system_section(figures: Figures) -> Section:
    until = figures.certificate_until
    tasks = [(told, _last(figures.tasks.get(name))) for name, (told, _) in _TASKS.items()]
    return Section(
        "The platform",
        (
            ("Release", figures.release),
            ("Schema", figures.revision),
            ("Certificate", f"valid until {_day(until)}" if until else "not readable from here"),
            *tasks,
        ),
    )


def _last(task: TaskResult | None) -> str:
    """When a task ended last, and what it came to, in its own words."""
    if task is None:
        return "not yet"
    done = [
        size(count) if name == "bytes" else f"{count:,} {name.replace('_', ' ')}"
        for name, count in task.result.items()
        if count
    ]
    return f"{_moment(task.at)}: {', '.join(done) or 'nothing to do'}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{' is' if number == 1 else 's are'}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _moment(at: datetime) -> str:
    return f"{_day(at)}, {at:%H:%M} UTC"


def _span(seconds: float) -> str:
    """About how long, in the largest unit that says it."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "less than a minute"
