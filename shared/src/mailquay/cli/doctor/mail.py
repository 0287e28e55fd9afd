"""What is in the database: domains, somebody to administer them, and the queue."""

from typing import Final

from mailquay.cli.doctor.findings import Finding, ok, warning
from mailquay.cli.target import Target
from mailquay.store import Store, StoreUnavailable
from mailquay.store.queue import QueueDepth

__all__ = ["check_domains", "check_queue"]

_OLD_SECONDS: Final = 4 * 3600
#: Domains whose postmaster is looked for; each is a round trip.
_DOMAINS_MAX: Final = 200


async def check_domains(target: Target) -> list[Finding]:
    """There is a domain, an administrator, and a postmaster of each domain (RFC 5321 §4.5.1)."""
    try:
        store = await target.store()
    except StoreUnavailable:  # told by its own check
        return []
    domains = [domain.name for domain in await store.accounts.list_domains()]
    if not domains:
        return [warning("domains", "there are none", "run `mailquay domain add DOMAIN`")]
    found = [ok("domains", f"{len(domains)}: {', '.join(domains[:5])}")]
    accounts = await store.accounts.list_accounts()
    if not any(account.role == "admin" and account.is_active for account in accounts):
        remedy = "run `mailquay account add ADDRESS --role admin`"
        found.append(warning("accounts", "nobody may administer by the web", remedy))
    return [*found, await _check_postmasters(store, domains[:_DOMAINS_MAX])]


async def _check_postmasters(store: Store, domains: list[str]) -> Finding:
    missing = [
        domain
        for domain in domains
        if not (await store.recipients.resolve(f"postmaster@{domain}")).targets
    ]
    if not missing:
        return ok("postmaster", "every domain's takes mail")
    told = f"nobody takes mail for postmaster@{missing[0]}"
    if len(missing) > 1:
        told += f" and {len(missing) - 1} more domains"
    return warning("postmaster", told, f"run `mailquay alias add postmaster@{missing[0]} ADDRESS`")


async def check_queue(target: Target) -> list[Finding]:
    """Mail on its way to elsewhere does not pile up."""
    try:
        depth: QueueDepth = await (await target.store()).queue.depth()
    except StoreUnavailable:  # told by its own check
        return []
    told = f"{depth.queued} recipients wait, {depth.held} are held"
    if depth.queued and depth.oldest_seconds > _OLD_SECONDS:
        hours = depth.oldest_seconds / 3600
        remedy = "look at the replies by `mailquay queue list`"
        return [warning("queue", f"{told}; the oldest for {hours:.0f} hours", remedy)]
    return [ok("queue", told)]
