"""``python -m bench.rollout``: keep clients in IDLE and mail flowing while services are replaced.

It needs nothing but Python and a way to the services' ports. It writes ``--ready`` when all clients
are in IDLE, goes on until SIGINT, SIGTERM or ``--seconds``, then waits until everything is
acknowledged and known, reads the mailboxes, and ends with 0 when all is as it must be.
"""

import argparse
import asyncio
import itertools
import json
import secrets
import signal
import ssl
import sys
from pathlib import Path

from bench.rollout.idlers import Account, Idler, message_ids
from bench.rollout.lines import Endpoint, Lost, Refused
from bench.rollout.reckoning import Outcome, reckon, summary
from bench.rollout.senders import Mailer

__all__ = ["main"]

#: So many clients come at once in the beginning.
_ARRIVALS = 25
_AGAIN_SECONDS = 0.5


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench.rollout", description=__doc__)
    parser.add_argument("--imap", required=True, metavar="HOST:PORT")
    parser.add_argument("--smtp", required=True, metavar="HOST:PORT", help="an MX port")
    parser.add_argument(
        "--accounts", required=True, type=Path, help='JSON: [{"address": …, "password": …}, …]'
    )
    parser.add_argument("--imap-tls", type=Path, metavar="CA", help="IMAP over TLS, by this CA")
    parser.add_argument("--name", default="localhost", help="that the certificate is for")
    parser.add_argument("--clients", type=int, default=500, help="in IDLE")
    parser.add_argument("--rate", type=float, default=20, help="messages a second")
    parser.add_argument("--connections", type=int, default=8, help="of SMTP")
    parser.add_argument("--per-connection", type=int, default=25, help="messages on each")
    parser.add_argument("--seconds", type=float, help="how long; else until SIGINT or SIGTERM")
    parser.add_argument("--patience", type=float, default=120, help="seconds for all to settle")
    parser.add_argument("--ready", type=Path, help="a file to write when all clients are in IDLE")
    parser.add_argument("--json", type=Path, help="where the report goes")
    return parser.parse_args()


def _endpoint(where: str, name: str = "", ca_file: Path | None = None) -> Endpoint:
    host, _, port = where.rpartition(":")
    tls = ssl.create_default_context(cafile=str(ca_file)) if ca_file else None
    return Endpoint(host.strip("[]"), int(port), tls, name)


async def _until_read(endpoint: Endpoint, account: Account) -> list[str]:
    while True:
        try:
            return await message_ids(endpoint, account)
        except (Refused, Lost, TimeoutError) as error:
            print(f"{account.address} cannot be read: {error!r}", file=sys.stderr)
            await asyncio.sleep(_AGAIN_SECONDS)


async def _read_all(endpoint: Endpoint, accounts: list[Account]) -> dict[str, list[str]]:
    return {each.address: await _until_read(endpoint, each) for each in accounts}


async def _run(options: argparse.Namespace) -> int:
    accounts = [Account(**each) for each in json.loads(options.accounts.read_text())]
    imap = _endpoint(options.imap, options.name, options.imap_tls)
    smtp = _endpoint(options.smtp)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    before = {a: len(ids) for a, ids in (await _read_all(imap, accounts)).items()}
    idlers = [Idler(imap, a) for a in itertools.islice(itertools.cycle(accounts), options.clients)]
    living = []
    for start in range(0, len(idlers), _ARRIVALS):
        arriving = idlers[start : start + _ARRIVALS]
        living += [asyncio.create_task(idler.live()) for idler in arriving]
        await asyncio.gather(*(idler.is_idling.wait() for idler in arriving))
    if options.ready:
        options.ready.write_text("ready\n")

    mailer = Mailer(
        smtp,
        [account.address for account in accounts],
        per_second=options.rate,
        connections=options.connections,
        per_connection=options.per_connection,
        run=secrets.token_hex(4),
    )
    sending = asyncio.create_task(mailer.run(stop))
    if options.seconds:
        loop.call_later(options.seconds, stop.set)
    await stop.wait()
    await asyncio.wait([sending], timeout=options.patience)
    sending.cancel()

    async with asyncio.timeout(options.patience):
        found = await _read_all(imap, accounts)
    await _until_known(idlers, found, options.patience)
    for task in living:
        task.cancel()
    await asyncio.gather(sending, *living, return_exceptions=True)
    mailboxes = {address: ids[before[address] :] for address, ids in found.items()}
    report = reckon(Outcome(idlers, mailer.letters, mailer.troubles, mailboxes, before))
    print(summary(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if report["holds"] else 1


async def _until_known(idlers: list[Idler], found: dict[str, list[str]], seconds: float) -> None:
    """Give the clients time to learn of everything, and to be back."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if all(
            idler.is_idling.is_set() and idler.known >= len(found[idler.account.address])
            for idler in idlers
        ):
            return
        await asyncio.sleep(_AGAIN_SECONDS)


def main() -> int:
    """Run it; the status is 0 when nothing was lost, doubled or missed."""
    return asyncio.run(_run(_options()))


if __name__ == "__main__":
    sys.exit(main())
