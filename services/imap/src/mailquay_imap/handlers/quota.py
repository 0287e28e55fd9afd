"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208)."""

from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.replies import No, Ok
from mailquay_imap.session import Session


async def _write_quota(session: Session) -> None:
    account = await session.server.store.accounts.get(session.owner.id)
    limit = account.quota_bytes
    if limit is None:
        limit = session.server.settings.delivery.default_quota_bytes
    # In units of 1024 bytes (RFC 9208 §5.1); no limit is no resource.
    usage = f"STORAGE {-(-account.used_bytes // 1024)} {limit // 1024}" if limit else ""
    session.write(f'* QUOTA "" ({usage})\r\n'.encode())


async def handle_getquota(session: Session, command: c.GetQuota) -> Ok:
    """GETQUOTA."""
    if command.root:
        raise No("there is no such quota root", code="NONEXISTENT")
    await _write_quota(session)
    return Ok()


async def handle_getquotaroot(session: Session, command: c.GetQuotaRoot) -> Ok:
    """GETQUOTAROOT: all of an account's mailboxes have the one root."""
    mailbox = await session.server.store.mailboxes.find(session.owner.id, command.mailbox)
    if mailbox is None:
        raise No("there is no such mailbox", code="NONEXISTENT")
    name = mailbox_name(mailbox.name, is_utf8=session.is_rev2)
    session.write(b'* QUOTAROOT %b ""\r\n' % name)
    await _write_quota(session)
    return Ok()


async def handle_setquota(_session: Session, _command: c.SetQuota) -> Ok:
    """SETQUOTA: quotas are the administrator's."""
    raise No("quotas are set by the administrator", code="NOPERM")
