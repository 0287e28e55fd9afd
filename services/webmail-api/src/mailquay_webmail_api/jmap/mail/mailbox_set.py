"""Mailbox/set (RFC 8621 §2.5): everything that a call asks for is one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from mailquay.events import AccountChanged
from mailquay.store.errors import StateChanged
from mailquay.store.mailbox_edits import MailboxPlan, NewMailbox
from mailquay.store.mailbox_objects import MailboxCounts
from mailquay.store.types import Mailbox, MailboxId
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError, SetError
from mailquay_webmail_api.jmap.core.ids import mailbox_id
from mailquay_webmail_api.jmap.core.setting import SetOutcome, SetRequest, read_set
from mailquay_webmail_api.jmap.core.states import state_text
from mailquay_webmail_api.jmap.mail.mailbox_get import show_mailboxes
from mailquay_webmail_api.jmap.mail.mailbox_tree import MailboxNode, MailboxTree, read_values
from mailquay_webmail_api.jmap.mail.mailbox_view import PROPERTIES, SETTABLE, rights
from mailquay_webmail_api.jmap.mail.patches import is_as_given, path_text, read_patch

__all__ = ["set_mailboxes"]

#: What a property becomes when a patch makes it null (RFC 8620 §5.3).
_DEFAULTS: Final = {"parentId": None, "role": None, "sortOrder": 0}
_UNCOUNTED: Final = MailboxCounts()


async def set_mailboxes(context: Context, given: JsonObject) -> JsonObject:
    """Mailbox/set."""
    arguments = Arguments(given)
    request = read_set(arguments, context)
    removes_emails = arguments.boolean("onDestroyRemoveEmails")
    arguments.finish()
    named = {name.partition("/")[0] for patch in request.update.values() for name in patch}
    current: dict[str, JsonObject] = {}
    if named - set(SETTABLE):
        _, current = await show_mailboxes(context, PROPERTIES)
    work = _Work(context, request, current, removes_emails=removes_emails)
    try:
        done = await context.store.mailbox_edits.apply(
            context.account.id, work.plan, if_state=request.expected_state
        )
    except StateChanged:
        raise MethodError("stateMismatch") from None
    for creation_id, number in done.created.items():
        work.created(creation_id, mailbox_id(number))
    if done.modseq != done.before:
        context.bus.publish(
            AccountChanged(
                account_id=context.account.id, modseq=done.modseq, mailbox_ids=done.mailbox_ids
            )
        )
    return work.outcome.answer(given["accountId"], state_text(done.before), state_text(done.modseq))


class _Work:
    """Plans a call by the mailboxes as they are, and remembers what becomes of each object."""

    def __init__(
        self,
        context: Context,
        request: SetRequest,
        current: dict[str, JsonObject],
        *,
        removes_emails: bool,
    ) -> None:
        self._context = context
        self._request = request
        self._current = current
        self._removes_emails = removes_emails
        self._limit = context.settings.imap.max_mailboxes
        self.outcome = SetOutcome()

    def plan(self, mailboxes: Sequence[Mailbox]) -> MailboxPlan:
        """Creates, then updates, then destroys (RFC 8620 §5.3)."""
        tree = MailboxTree(mailboxes)
        self._create_all(tree)
        self._update_all(tree)
        destroyed = self._destroy_all(tree)
        paths = tree.paths()
        created = tuple(
            NewMailbox(node.id[1:], paths[node.id], node.role, node.sort_order, node.is_subscribed)
            for node in tree.nodes.values()
            if node.box is None
        )
        return MailboxPlan(created, tuple(_changed(tree, paths)), tuple(destroyed))

    def created(self, creation_id: str, made: str) -> None:
        """Put the id that was made in the place of the creation id."""
        self._context.created_ids[creation_id] = made
        self.outcome.created[creation_id]["id"] = made
        if f"#{creation_id}" in self.outcome.updated:
            self.outcome.updated[made] = self.outcome.updated.pop(f"#{creation_id}")

    def _resolve(self, text: str | None) -> str | None:
        """An id; of what this call creates, the one it has in the tree."""
        if text is None or not text.startswith("#"):
            return text
        if text[1:] in self._request.create:
            return text
        return self._context.created_ids.get(text[1:], text)

    def _create_all(self, tree: MailboxTree) -> None:
        """Each after the parent that the same call creates (RFC 8620 §5.3)."""
        waiting = dict(self._request.create)
        while waiting:
            ready = [
                key for key, given in waiting.items()
                if not self._waits_for(given.get("parentId"), waiting)
            ]  # fmt: skip
            # Those that wait for each other have no parent to come below.
            for key in ready or list(waiting):
                given = waiting.pop(key)
                try:
                    self.outcome.created[key] = self._create(tree, f"#{key}", given)
                except SetError as error:
                    self.outcome.not_created[key] = error.response

    @staticmethod
    def _waits_for(parent: object, waiting: dict[str, JsonObject]) -> bool:
        return isinstance(parent, str) and parent.startswith("#") and parent[1:] in waiting

    def _create(self, tree: MailboxTree, node_id: str, given: JsonObject) -> JsonObject:
        wrong = sorted(set(given) - set(SETTABLE))
        if wrong:
            raise SetError.invalid_properties(f"{wrong[0]} cannot be set", *wrong)
        if "name" not in given:
            raise SetError.invalid_properties("a mailbox has a name", "name")
        if len(tree.nodes) >= self._limit:
            raise SetError("overQuota", f"there are {self._limit} mailboxes already")
        node = MailboxNode(node_id, **self._values(given))
        tree.nodes[node_id] = node
        try:
            tree.judge(node_id)
        except SetError:
            del tree.nodes[node_id]
            raise
        shown = {
            "id": node_id, "name": node.name, "parentId": None, "role": node.role,
            "sortOrder": node.sort_order, "isSubscribed": node.is_subscribed,
            "totalEmails": 0, "unreadEmails": 0, "totalThreads": 0, "unreadThreads": 0,
            "myRights": rights(tree.path(node_id), is_selectable=True),
        }  # fmt: skip
        return {
            name: value for name, value in shown.items()
            if name not in given or (name == "name" and value != given[name])
        }  # fmt: skip

    def _values(self, given: dict[str, Any]) -> dict[str, Any]:
        fields = read_values(given)
        if "parent" in fields:
            fields["parent"] = self._resolve(fields["parent"])
        return fields

    def _update_all(self, tree: MailboxTree) -> None:
        """All together where the outcome is valid, as in trading names; else one by one."""
        wanted: dict[str, dict[str, Any]] = {}
        doomed = {self._resolve(text) for text in self._request.destroy}
        for text, patch in self._request.update.items():
            node_id = self._context.resolve_id(text) or text
            try:
                if node_id not in tree.nodes:
                    raise SetError("notFound")
                if node_id in doomed:
                    raise SetError("willDestroy")
                wanted[node_id] = self._values(self._read_update(node_id, patch))
            except SetError as error:
                self.outcome.not_updated[node_id] = error.response
        if not self._try(tree, wanted):
            # Who gives up a role comes before who takes it.
            for node_id in sorted(wanted, key=lambda key: wanted[key].get("role") is not None):
                try:
                    self._apply(tree, {node_id: wanted[node_id]})
                except SetError as error:
                    self.outcome.not_updated[node_id] = error.response
                else:
                    self.outcome.updated[node_id] = None
        for node_id in self.outcome.updated:
            self.outcome.updated[node_id] = self._differs(tree, node_id)

    def _read_update(self, node_id: str, patch: JsonObject) -> dict[str, Any]:
        """The settable properties of a patch; others may only be what they are."""
        values: dict[str, Any] = {}
        wrong = []
        for path, value in read_patch(patch).items():
            name = path[0]
            if len(path) == 1 and name in SETTABLE:
                values[name] = _DEFAULTS.get(name) if value is None else value
            elif not is_as_given(self._current.get(node_id, {}), path, value):
                wrong.append(path_text(path))
        if wrong:
            raise SetError.invalid_properties(f"{wrong[0]} cannot be set", *wrong)
        return values

    def _try(self, tree: MailboxTree, wanted: dict[str, dict[str, Any]]) -> bool:
        try:
            self._apply(tree, wanted)
        except SetError:
            return False
        self.outcome.updated.update(dict.fromkeys(wanted))
        return True

    @staticmethod
    def _apply(tree: MailboxTree, wanted: dict[str, dict[str, Any]]) -> None:
        """Change the tree, or raise and leave it."""
        other = tree.copy()
        for node_id, fields in wanted.items():
            other.change(node_id, **fields)
        for node_id in wanted:
            other.judge(node_id)
        tree.nodes = other.nodes

    def _differs(self, tree: MailboxTree, node_id: str) -> JsonObject | None:
        """What is not as the client said: a name in another normal form."""
        for text, patch in self._request.update.items():
            if (self._context.resolve_id(text) or text) == node_id and "name" in patch:
                name = tree.nodes[node_id].name
                return None if patch["name"] == name else {"name": name}
        return None

    def _destroy_all(self, tree: MailboxTree) -> list[MailboxId]:
        """Those further down first, so that a whole branch may go."""
        wanted = dict.fromkeys(self._resolve(text) or text for text in self._request.destroy)
        known = [node_id for node_id in wanted if node_id in tree.nodes]
        for node_id in wanted:
            if node_id not in tree.nodes or tree.nodes[node_id].box is None:
                self.outcome.not_destroyed[node_id] = SetError("notFound").response
        destroyed = []
        for node_id in sorted(known, key=tree.depth, reverse=True):
            box = tree.nodes[node_id].box
            if box is None:
                continue
            try:
                self._judge_destroy(tree, node_id, box)
            except SetError as error:
                self.outcome.not_destroyed[node_id] = error.response
            else:
                del tree.nodes[node_id]
                destroyed.append(box.id)
                self.outcome.destroyed.append(node_id)
        return destroyed

    def _judge_destroy(self, tree: MailboxTree, node_id: str, box: Mailbox) -> None:
        if tree.nodes[node_id].is_inbox:
            raise SetError("forbidden", "the inbox must stay")
        if next(tree.children(node_id), None) is not None:
            raise SetError("mailboxHasChild")
        # What has \Deleted is out of JMAP's sight, and no reason to stay.
        if box.messages > box.deleted and not self._removes_emails:
            raise SetError("mailboxHasEmail")


def _changed(tree: MailboxTree, paths: dict[str, str]) -> list[Mailbox]:
    """The mailboxes that are not as they were: those below one that has moved, too."""
    changed = []
    for node in tree.nodes.values():
        if node.box is not None:
            after = replace(
                node.box,
                name=paths[node.id],
                role=node.role,
                sort_order=node.sort_order,
                is_subscribed=node.is_subscribed,
            )
            if after != node.box:
                changed.append(after)
    return changed
