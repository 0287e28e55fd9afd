"""What became of everything, once it is over. Pure: times and counts in, a report out."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any, Final

from bench.rollout.idlers import Gap, Idler
from bench.rollout.senders import Letter

__all__ = ["Outcome", "histogram", "reckon", "summary"]

#: Upper bounds in seconds.
GAP_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found in the end."""

    idlers: Sequence[Idler]
    letters: Sequence[Letter]
    troubles: Mapping[str, int]
    #: By address: the Message-IDs of its INBOX in order, those that were there before left out.
    mailboxes: Mapping[str, Sequence[str]]
    #: By address: how many messages were there before.
    before: Mapping[str, int]


def reckon(outcome: Outcome) -> dict[str, Any]:
    """The report; ``holds`` says whether nothing was lost, doubled, or missed by a client."""
    found = Counter(i for ids in outcome.mailboxes.values() for i in ids)
    acknowledged = [letter for letter in outcome.letters if letter.acknowledged_at is not None]
    lost = [each.message_id for each in acknowledged if not found[each.message_id]]
    doubled = [message_id for message_id, times in found.items() if times > 1]
    wake_ups, unlearned = _wake_ups(outcome)
    gaps = [gap for idler in outcome.idlers for gap in idler.gaps]
    away = sum(gap.back_at is None for gap in gaps)
    unacknowledged = len(outcome.letters) - len(acknowledged)
    return {
        "holds": not (lost or doubled or unlearned or away or unacknowledged),
        "mail": {
            "sent": len(outcome.letters),
            "acknowledged": len(acknowledged),
            "lost": lost,
            "doubled": doubled,
            "repeated": sum(letter.failures > 0 for letter in outcome.letters),
            "troubles": dict(outcome.troubles),
            "seconds_to_250": _spread(
                [a.acknowledged_at - a.made_at for a in acknowledged if a.acknowledged_at]
            ),
        },
        "clients": {
            "count": len(outcome.idlers),
            "accounts": len(outcome.mailboxes),
            "unlearned": unlearned,
            "sent_away": len(gaps),
            "with_bye": sum(gap.had_bye for gap in gaps),
            "still_away": away,
            "refused": dict(Counter(why for gap in gaps for why in gap.refused)),
            "turned_away": dict(Counter(why for gap in gaps for why in gap.turned_away)),
            "gap_seconds": _spread(_seconds(gaps)),
            "gaps": histogram(_seconds(gaps)),
            "seconds_from_250_to_exists": _spread(wake_ups),
        },
    }


def _seconds(gaps: Sequence[Gap]) -> list[float]:
    return [gap.back_at - gap.lost_at for gap in gaps if gap.back_at is not None]


def _wake_ups(outcome: Outcome) -> tuple[list[float], int]:
    """From a 250 to the EXISTS of each client that idled; and what clients never learned of."""
    at = {letter.message_id: letter.acknowledged_at for letter in outcome.letters}
    found: list[float] = []
    unlearned = 0
    for idler in outcome.idlers:
        address = idler.account.address
        reports = iter(idler.learned)
        report = next(reports, None)
        before = outcome.before[address]
        for number, message_id in enumerate(outcome.mailboxes[address], before + 1):
            while report is not None and report.exists < number:
                report = next(reports, None)
            if report is None:
                unlearned += 1
            elif report.by_idle and (acknowledged := at.get(message_id)) is not None:
                found.append(report.at - acknowledged)
    return found, unlearned


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if len(values) < 2:
        return None
    cuts = quantiles(values, n=100, method="inclusive")
    return {
        "median": round(cuts[49], 4),
        "p90": round(cuts[89], 4),
        "p99": round(cuts[98], 4),
        "max": round(max(values), 4),
    }


def histogram(values: Sequence[float]) -> list[tuple[str, int]]:
    """How many values lie in each bucket, by its label."""
    bounds = [0.0, *GAP_BUCKETS]
    rows = [
        (f"{low:g} to {high:g} s", sum(low <= value < high for value in values))
        for low, high in itertools.pairwise(bounds)
    ]
    return [*rows, (f"over {bounds[-1]:g} s", sum(value >= bounds[-1] for value in values))]


def summary(report: Mapping[str, Any]) -> str:
    """The report for people."""
    mail, clients = report["mail"], report["clients"]
    lines = [
        f"{mail['acknowledged']} of {mail['sent']} messages acknowledged, {len(mail['lost'])} lost,"
        f" {len(mail['doubled'])} doubled; {mail['repeated']} were repeated: {mail['troubles']}",
        f"seconds to 250: {mail['seconds_to_250']}",
        f"{clients['count']} clients of {clients['accounts']} accounts were sent away"
        f" {clients['sent_away']} times, {clients['with_bye']} with BYE;"
        f" {clients['unlearned']} messages were never learned of",
        f"connections refused: {clients['refused']}; turned away: {clients['turned_away']}",
        f"seconds from 250 to EXISTS: {clients['seconds_from_250_to_exists']}",
        f"seconds out of IDLE: {clients['gap_seconds']}",
    ]
    most = max((count for _, count in clients["gaps"]), default=0) or 1
    lines += [
        f"  {label:>14} {count:6} {'#' * round(40 * count / most)}"
        for label, count in clients["gaps"]
    ]
    return "\n".join(lines)
