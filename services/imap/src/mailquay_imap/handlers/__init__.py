"""One handler a command: what it does, and in which state it may (RFC 9051 §3, §6)."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from mailquay_imap.handlers.append import handle_append
from mailquay_imap.handlers.compress import handle_compress
from mailquay_imap.handlers.connection import (
    handle_authenticate,
    handle_capability,
    handle_enable,
    handle_id,
    handle_login,
    handle_logout,
    handle_noop,
    handle_starttls,
    handle_unauthenticate,
)
from mailquay_imap.handlers.contexts import handle_cancel_update
from mailquay_imap.handlers.copy import handle_copy
from mailquay_imap.handlers.expunge import handle_close, handle_expunge, handle_unselect
from mailquay_imap.handlers.fetch import handle_fetch
from mailquay_imap.handlers.idle import handle_idle
from mailquay_imap.handlers.jmap_access import handle_getjmapaccess
from mailquay_imap.handlers.language import handle_language
from mailquay_imap.handlers.listing import handle_list, handle_lsub, handle_namespace
from mailquay_imap.handlers.mailboxes import (
    handle_create,
    handle_delete,
    handle_rename,
    handle_subscribe,
)
from mailquay_imap.handlers.multi_search import handle_multi_search
from mailquay_imap.handlers.notify import handle_notify
from mailquay_imap.handlers.quota import handle_getquota, handle_getquotaroot, handle_setquota
from mailquay_imap.handlers.replace import handle_replace
from mailquay_imap.handlers.search import handle_search
from mailquay_imap.handlers.select import handle_select
from mailquay_imap.handlers.sort import handle_sort
from mailquay_imap.handlers.status import handle_status
from mailquay_imap.handlers.store import handle_store
from mailquay_imap.handlers.thread import handle_thread
from mailquay_imap.handlers.uid_batches import handle_uid_batches
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Ok
from mailquay_imap.states import State

__all__ = ["HANDLERS"]

Handler = Callable[[Any, Any], Awaitable[Ok]]

_ANY, _KNOWN, _SELECTED = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED

HANDLERS: Final[dict[type[c.Command], tuple[State, Handler]]] = {
    c.Capability: (_ANY, handle_capability),
    c.Noop: (_ANY, handle_noop),
    c.Logout: (_ANY, handle_logout),
    c.Id: (_ANY, handle_id),
    c.StartTls: (_ANY, handle_starttls),
    c.Authenticate: (_ANY, handle_authenticate),
    c.Login: (_ANY, handle_login),
    c.Unauthenticate: (_KNOWN, handle_unauthenticate),
    c.Compress: (_KNOWN, handle_compress),
    c.MultiSearch: (_KNOWN, handle_multi_search),
    c.Language: (_ANY, handle_language),
    c.GetJmapAccess: (_KNOWN, handle_getjmapaccess),
    c.Enable: (_KNOWN, handle_enable),
    c.Select: (_KNOWN, handle_select),
    c.Create: (_KNOWN, handle_create),
    c.Delete: (_KNOWN, handle_delete),
    c.Rename: (_KNOWN, handle_rename),
    c.Subscribe: (_KNOWN, handle_subscribe),
    c.List: (_KNOWN, handle_list),
    c.Lsub: (_KNOWN, handle_lsub),
    c.Namespace: (_KNOWN, handle_namespace),
    c.Status: (_KNOWN, handle_status),
    c.Append: (_KNOWN, handle_append),
    c.Notify: (_KNOWN, handle_notify),
    c.Idle: (_KNOWN, handle_idle),
    c.GetQuota: (_KNOWN, handle_getquota),
    c.GetQuotaRoot: (_KNOWN, handle_getquotaroot),
    c.SetQuota: (_KNOWN, handle_setquota),
    c.Check: (_SELECTED, handle_noop),
    c.Close: (_SELECTED, handle_close),
    c.Unselect: (_SELECTED, handle_unselect),
    c.Replace: (_SELECTED, handle_replace),
    c.Expunge: (_SELECTED, handle_expunge),
    c.Search: (_SELECTED, handle_search),
    c.CancelUpdate: (_SELECTED, handle_cancel_update),
    c.Sort: (_SELECTED, handle_sort),
    c.Thread: (_SELECTED, handle_thread),
    c.UidBatches: (_SELECTED, handle_uid_batches),
    c.Fetch: (_SELECTED, handle_fetch),
    c.Store: (_SELECTED, handle_store),
    c.Copy: (_SELECTED, handle_copy),
}
