"""``mailquay report``: what an administrator wants to know each morning, by mail."""

from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from mailquay.cli.command import subcommand
from mailquay.cli.exits import CommandFailed, Exit
from mailquay.cli.output import Result, plain_lines
from mailquay.cli.report.figures import TASK, Figures, gather
from mailquay.cli.report.letter import render_text, write_letter
from mailquay.cli.report.sections import attention, sections
from mailquay.cli.target import Target
from mailquay.delivery import Deliverer, Incoming, LocalPlacement, Placed, Unavailable
from mailquay.events import Bus
from mailquay.identity import normalise_address
from mailquay.runtime.settings import Settings
from mailquay.store import Store
from mailquay.store.summary import Administrator

__all__ = ["register"]

_BUS_SECONDS: Final = 3.0
_DAY_SECONDS: Final = 86400


async def report(
    target: Target,
    print_: Annotated[
        bool, typer.Option("--print", help="Print it; nothing is delivered or written down.")
    ] = False,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="An account that gets it, whatever its role; may be repeated. Without it: all "
            "administrators.",
        ),
    ] = None,
) -> Result:
    """Deliver a summary of the last 24 hours to the administrators' mailboxes.

    Run it once a day: more often it is delivered once a day all the same, by the date in UTC.
    """
    figures = await gather(target)
    title = f"Mailquay on {figures.hostname}, {figures.at.day} {figures.at:%B %Y}"
    points, found = attention(figures), sections(figures)
    data = _data(figures, points)
    if print_:
        return Result(data, plain_lines(render_text(title, points, found)))
    store = await target.store()
    recipients = await _recipients(store, to or [])
    day = f"{figures.at:%Y-%m-%d}"
    last = figures.tasks.get(TASK)
    # Of a day the first report is what the next day's is compared with.
    done, storage = set[str](), figures.storage
    if last is not None and last.result["day"] == day:
        done, storage = set(last.result["delivered"]), last.result["storage"]
    outcomes: dict[str, str] = {}
    async with _Delivery(target, store) as delivery:
        for recipient in recipients:
            if recipient.address in done:
                outcomes[recipient.address] = "has it already"
                continue
            message_id = f"<report.{day}.{recipient.id}@{figures.hostname}>"
            raw = write_letter(
                title=title,
                points=points,
                found=found,
                recipient=recipient.address,
                message_id=message_id,
                at=figures.at,
            )
            outcomes[recipient.address] = await delivery.deliver(recipient, raw, day)
    reached = {address for address, outcome in outcomes.items() if outcome != "is full"}
    await store.tasks.finish(
        TASK,
        {"day": day, "delivered": sorted(done | reached), "storage": storage},
    )
    told = "\n".join(f"{address} {outcome}." for address, outcome in outcomes.items())
    status = Exit.OK if len(reached) == len(outcomes) else Exit.CHECK_FAILED
    return Result({**data, "day": day, "recipients": outcomes}, told, status)


async def _recipients(store: Store, addresses: list[str]) -> list[Administrator]:
    if not addresses:
        found = await store.summary.administrators()
        if not found:
            raise CommandFailed(
                Exit.NOT_FOUND, "nobody is an administrator: give --to, or make one by "
                "`mailquay account add --role admin`"
            )  # fmt: skip
        return found
    chosen = []
    for address in dict.fromkeys(map(normalise_address, addresses)):
        account = await store.accounts.find(address)
        if account is None:
            raise CommandFailed(Exit.NOT_FOUND, f"there is no account {address}")
        chosen.append(Administrator(account.id, account.tenant_id, account.address))
    return chosen


class _Delivery:
    """Puts reports into mailboxes as any other mail: durable, exactly once, and told to clients."""

    def __init__(self, target: Target, store: Store) -> None:
        self._target = target
        self._store = store

    async def __aenter__(self) -> "_Delivery":
        settings = self._target.settings
        self._bus = await Bus.open(settings.nats)
        if self._bus.is_configured:
            await self._bus.wait_connected(_BUS_SECONDS)
        blobs = await self._target.blobs()
        self._deliverer = Deliverer(self._store, blobs, self._bus, _with_window(settings))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._deliverer.close()
        await self._bus.close()

    async def deliver(self, recipient: Administrator, raw: bytes, day: str) -> str:
        """What has become of it.

        Raises:
            CommandFailed: nothing can be delivered now.
        """
        incoming = Incoming(
            recipient.tenant_id,
            raw,
            f"report-{day}",
            local=(LocalPlacement(recipient.id, recipient=recipient.address),),
            repeat_key=f"mailquay report {day}".encode(),
        )
        try:
            [placed] = (await self._deliverer.deliver(incoming)).placements
        except Unavailable as error:
            raise CommandFailed(Exit.UNAVAILABLE, f"nothing was delivered: {error}") from error
        if not isinstance(placed, Placed):
            return "is full"
        return "has it already" if placed.is_duplicate else "has got it"


def _with_window(settings: Settings) -> Settings:
    """Two that run at once are to notice each other, wherever repetitions are no matter."""
    smtp_in = settings.smtp_in
    window = max(smtp_in.duplicate_window_seconds, _DAY_SECONDS)
    return settings.model_copy(
        update={"smtp_in": smtp_in.model_copy(update={"duplicate_window_seconds": window})}
    )


def _data(figures: Figures, points: list[str]) -> dict[str, Any]:
    """The report for programs."""
    return {
        "attention": points,
        "at": figures.at,
        "deliveries": figures.deliveries,
        "queue_day": None if figures.queue_day is None else asdict(figures.queue_day),
        "queue": asdict(figures.depth),
        "waiting": [asdict(one) for one in figures.waiting],
        "failed": [asdict(one) for one in figures.failed],
        "storage": figures.storage,
        "nearly_full": [asdict(one) for one in figures.usage.full],
        "certificate_until": figures.certificate_until,
        "release": figures.release,
        "revision": figures.revision,
        "tasks": {name: last.at for name, last in figures.tasks.items()},
    }


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    subcommand(app, "report")(report)
