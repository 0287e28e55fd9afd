"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208).

An account has one root, the empty one, when there is a limit to its mail; none when there is not.
"""

from mailquay.store.types import AccountId
from mailquay_imap.handlers.naming import require_mailbox
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.replies import No, Ok
from mailquay_imap.session import Session


async def _quota(session: Session, account_id: AccountId) -> bytes | None:
    """The untagged QUOTA; None without a limit."""
    account = await session.server.store.accounts.get(account_id)
    limit = account.effective_quota_bytes(session.server.settings.delivery.default_quota_bytes)
    if not limit:
        return None
    # In units of 1024 bytes (RFC 9208 §5.1).
    return b'* QUOTA "" (STORAGE %d %d)\r\n' % (-(-account.used_bytes // 1024), limit // 1024)


async def handle_getquota(session: Session, command: c.GetQuota) -> Ok:
    """GETQUOTA."""
    line = None if command.root else await _quota(session, session.owner.id)
    if line is None:
        raise No("there is no such quota root", code="NONEXISTENT")
    session.write(line)
    return Ok()


async def handle_getquotaroot(session: Session, command: c.GetQuotaRoot) -> Ok:
    """GETQUOTAROOT: all of an account's mailboxes have the one root."""
    mailbox = await require_mailbox(session, command.mailbox)
    name = mailbox_name(mailbox.name, is_utf8=session.is_utf8)
    line = await _quota(session, mailbox.account_id)
    if line is None:
        session.write(b"* QUOTAROOT %b\r\n" % name)
    else:
        session.write(b'* QUOTAROOT %b ""\r\n%b' % (name, line))
    return Ok()


async def handle_setquota(_session: Session, _command: c.SetQuota) -> Ok:
    """SETQUOTA: quotas are the administrator's."""
    raise No("quotas are set by the administrator", code="NOPERM")
