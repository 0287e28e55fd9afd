"""Several clients, deliveries and a model: after each step all agree (RFC 9051 §5.2, §7.5.1).

``MODEL_EXAMPLES`` in the environment asks for a longer run.
"""

import itertools
import os
import re
import smtplib
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from mailquay.testing.deployment import PASSWORD
from mailquay.testing.transcripts import Connection

from .mailbox_model import ModelMailbox, Picture, Slot, changed_flags, read_set, write_set

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "20"))
STEPS = 60
BOXES = ("INBOX", "Other")
#: What each client enables; the last ones of a process of their own.
KINDS = (b"", b"CONDSTORE IMAP4rev2", b"QRESYNC", b"UIDONLY CONDSTORE")
_NUMBERS = itertools.count(1)
_LITERAL = re.compile(rb"\{(\d+)\}$")
_KEEPS_NUMBERS = (b"FETCH", b"STORE", b"SEARCH")
_FOUND = re.compile(rb"\* (?:SEARCH|ESEARCH \(TAG \"t\"\)(?: UID)?(?: ALL)?)(?: ([\d:, ]+))?")
_COPYUID = re.compile(rb"\[COPYUID \d+ (\S+) (\S+)\]")
_MODIFIED = re.compile(rb"OK \[MODIFIED (\S+)\]")
_HIGHESTMODSEQ = re.compile(rb"OK \[HIGHESTMODSEQ (\d+)\]")
_UIDVALIDITY = re.compile(rb"\* OK \[UIDVALIDITY (\d+)\]")

#: Which messages: one or two of eight more often than many, so that clients meet at the same ones.
masks = st.sampled_from([1, 2, 4, 8, 3, 6, 0x11, 255]) | st.integers(1, 255)
clients = st.integers(0, len(KINDS) - 1)
boxes = st.sampled_from(["INBOX", "INBOX", "Other"])
flag_sets = st.sampled_from(
    [
        frozenset(flags)
        for flags in (
            [b"\\Flagged"], [b"\\Deleted"], [b"\\Flagged", b"\\Deleted"], [b"\\Seen"], [b"$Work"], []
        )
    ]
)  # fmt: skip


class Client:
    """A connection and its picture."""

    def __init__(self, port: int, address: str, enables: bytes) -> None:
        self._connection = Connection("127.0.0.1", port)
        assert self._connection.read_line().startswith(b"* OK")
        self.enables = enables
        self.is_condstore = bool(enables)
        self.by_uid = b"UIDONLY" in enables
        self.box = ""
        self.read_only = False
        self.picture = Picture()
        self.lines: list[bytes] = []
        assert self.say(f'LOGIN {address} "{PASSWORD}"'.encode()).startswith(b"OK")
        if enables:
            assert self.say(b"ENABLE " + enables).startswith(b"OK")

    def close(self) -> None:
        self._connection.close()

    def say(self, command: bytes) -> bytes:
        """Give a command and believe what is told; returns its completion."""
        self.picture.heard_flags.clear()
        self.lines.clear()
        self._connection.send(b"t " + command + b"\r\n")
        while (line := self._connection.read_line()) is not None:
            if line.startswith(b"t "):
                if match := _HIGHESTMODSEQ.match(line, 2):
                    self.picture.modseq = int(match[1])
                return line[2:]
            while literal := _LITERAL.search(line):
                line += self._connection.read_bytes(int(literal[1]))
                line += self._connection.read_line()
            self.lines.append(line)
            self.picture.hear(line, keeps_numbers=command.startswith(_KEEPS_NUMBERS))
        raise AssertionError(f"the connection ended in {command!r}")

    def select(self, box: str, *, read_only: bool = False, resync: Picture | None = None) -> None:
        """Enter a mailbox, with what is remembered of it."""
        self.picture = Picture(by_uid=self.by_uid, vanishes=self.by_uid or b"QRES" in self.enables)
        verb = b"EXAMINE" if read_only else b"SELECT"
        command = b"%b %b" % (verb, box.encode())
        if resync is not None:
            self._come_back(command, resync)
        else:
            assert self.say(command).startswith(b"OK")
        self.box, self.read_only = box, read_only
        told = b"\n".join(self.lines)
        self.picture.modseq = int(re.search(rb"HIGHESTMODSEQ (\d+)", told)[1])
        self.picture.uidvalidity = int(_UIDVALIDITY.search(told)[1])
        self.learn()

    def _come_back(self, command: bytes, remembered: Picture) -> None:
        """SELECT (QRESYNC …), after which what is remembered is what is there (RFC 7162 §3.2.5)."""
        uids = write_set(slot.uid for slot in remembered.slots)
        known = b" " + uids if uids else b""
        if uids and len(remembered.slots) % 2:
            known += b" (1:%d %b)" % (len(remembered.slots), uids)
        # By uids, as the numbers are of today and the memory is not.
        picture = self.picture
        picture_of_old = {slot.uid: slot for slot in deepcopy(remembered.slots)}
        say = b"%b (QRESYNC (%d %d%b))" % (
            command, remembered.uidvalidity, remembered.modseq, known,
        )  # fmt: skip
        assert self.say(say).startswith(b"OK")
        for line in self.lines:
            if line.startswith(b"* VANISHED (EARLIER) "):
                for uid in read_set(line.rpartition(b" ")[2]):
                    picture_of_old.pop(uid, None)
        for slot in picture.slots:
            if slot.uid is not None:
                picture_of_old[slot.uid] = slot
        count, modseq = len(picture.slots), picture.modseq
        numbered = sorted(picture_of_old.values(), key=lambda slot: slot.uid)
        for slot in picture.slots:
            assert slot.uid is None or numbered[picture.slots.index(slot)] is slot, (slot, numbered)
        # What came later than all that it knows was asked for only if it named its uids.
        numbered += [Slot() for _ in range(count - len(numbered))]
        assert len(numbered) == count, (numbered, count)
        picture.slots, picture.modseq = numbered, modseq

    def learn(self) -> None:
        """Ask for what it was not told."""
        while numbers := self.picture.unknown():  # asking tells of more
            items = b"FLAGS MODSEQ" if self.is_condstore else b"FLAGS"
            if self.by_uid:
                self.say(b"UID FETCH 1:* (%b)" % items)
            else:
                self.say(b"FETCH %b (UID %b)" % (write_set(numbers), items))

    def pick(self, mask: int) -> list[int]:
        """Some of the uids that it knows."""
        uids = [slot.uid for slot in self.picture.slots if slot.uid is not None]
        return [uid for n, uid in enumerate(uids) if mask >> n % 8 & 1]

    def name(self, uids: list[int], *, by_uid: bool) -> bytes:
        """These messages, as a command has them."""
        return write_set(uids if by_uid else map(self.picture.number, uids))


class Mailboxes(RuleBasedStateMachine):
    """Each rule is something that a client or the world does."""

    ports: tuple[int, int]
    lmtp_port: int
    add_account: staticmethod

    @initialize()
    def sign_in(self):
        self.address = f"model{next(_NUMBERS)}@example.org"
        self.add_account(self.address)
        self.boxes = {box: ModelMailbox() for box in BOXES}
        self.observer = Client(self.ports[1], self.address, b"CONDSTORE")
        assert self.observer.say(b"CREATE Other").startswith(b"OK")
        self.returning = Client(self.ports[0], self.address, b"QRESYNC")
        self.clients = [
            Client(self.ports[n % 2], self.address, enables) for n, enables in enumerate(KINDS)
        ]
        self.remembered: dict[str, list[Picture]] = {box: [] for box in BOXES}
        for _ in range(4):
            self.append("INBOX", frozenset())
        for client in self.clients:
            client.select("INBOX")

    def teardown(self):
        if hasattr(self, "clients"):
            for number in range(len(self.clients)):
                self.noop(number)
            for client in (*self.clients, self.observer, self.returning):
                client.close()

    def look(self):
        """What is there is what the model says."""
        for box, model in self.boxes.items():
            self.observer.select(box, read_only=True)
            slots = self.observer.picture.slots
            model.learn(
                {slot.uid: slot.flags for slot in slots}, {slot.uid: slot.modseq for slot in slots}
            )

    def at(self, number: int) -> tuple[Client, ModelMailbox]:
        """A client that is in a mailbox and knows its messages, with the mailbox."""
        client = self.clients[number]
        if not client.box:
            client.select("INBOX")
        client.learn()
        return client, self.boxes[client.box]

    @rule(box=boxes, flags=flag_sets)
    def append(self, box, flags):
        literal = b"Subject: %d\r\n\r\nx" % next(_NUMBERS)
        command = b"APPEND %b (%b) {%d+}\r\n%b" % (
            box.encode(), b" ".join(flags), len(literal), literal,
        )  # fmt: skip
        assert self.returning.say(command).startswith(b"OK")
        self.boxes[box].add(flags)
        self.look()

    @rule()
    def deliver(self):
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as sender:
            text = f"Subject: {next(_NUMBERS)}\r\n\r\nx"
            sender.sendmail("ann@example.net", [self.address], text)
        self.boxes["INBOX"].add(frozenset())
        self.look()

    @rule(
        who=clients, mask=masks, sign=st.sampled_from([b"+", b"-", b""]), flags=flag_sets,
        by_uid=st.booleans(), silent=st.booleans(), lag=st.none() | st.integers(0, 2),
    )  # fmt: skip
    def store(self, who, mask, sign, flags, by_uid, silent, lag):
        client, model = self.at(who)
        by_uid |= client.by_uid
        uids = client.pick(mask)
        if not uids:
            return
        since = None
        if lag is not None and client.is_condstore:
            since = max(0, max(s.modseq for s in client.picture.slots if s.uid in uids) - lag)
        rejected = {
            u
            for u in uids
            if u in model.messages and since is not None and model.modseqs[u] > since
        }
        before = client.picture.flags
        done = client.say(
            b"%bSTORE %b %b%bFLAGS%b (%b)" % (
                b"UID " if by_uid else b"", client.name(uids, by_uid=by_uid),
                b"" if since is None else b"(UNCHANGEDSINCE %d) " % since,
                sign, b".SILENT" if silent else b"", b" ".join(flags),
            )
        )  # fmt: skip
        if client.read_only:
            assert done.startswith(b"NO [READ-ONLY]"), done
            return
        match = _MODIFIED.match(done)
        told = read_set(match[1]) if match else []
        if not by_uid:
            told = [client.picture.slots[number - 1].uid for number in told]
        assert rejected == set(told) & set(model.messages), (done, rejected)
        model.store([u for u in uids if u in model.messages and u not in rejected], sign, flags)
        if silent:
            for slot in client.picture.slots:
                if slot.uid in uids and slot.uid not in client.picture.heard_flags | set(told):
                    slot.flags = changed_flags(before[slot.uid], sign, flags)
        self.look()

    @rule(
        first=clients, second=clients, mask=masks, sign=st.sampled_from([b"+", b"-", b""]),
        flags=flag_sets, by_uid=st.booleans(), silent=st.booleans(),
    )  # fmt: skip
    def compete(self, first, second, mask, sign, flags, by_uid, silent):
        """Two make the same change, the second where nobody else has made any."""
        self.store(first, mask, sign, flags, by_uid=by_uid, silent=True, lag=None)
        self.store(second, mask, sign, flags, by_uid=by_uid, silent=silent, lag=0)

    @rule(who=clients, mask=st.none() | masks)
    def expunge(self, who, mask):
        client, model = self.at(who)
        uids = None if mask is None else client.pick(mask)
        if uids == []:
            return
        done = client.say(b"EXPUNGE" if uids is None else b"UID EXPUNGE " + write_set(uids))
        if client.read_only:
            assert done.startswith(b"NO [READ-ONLY]"), done
            return
        assert done.startswith(b"OK"), done
        model.expunge(uids)
        self.agree(client)
        self.look()

    @rule(who=clients, mask=masks, to=boxes, by_uid=st.booleans(), moves=st.booleans())
    def copy(self, who, mask, to, by_uid, moves):
        client, model = self.at(who)
        by_uid |= client.by_uid
        uids = client.pick(mask)
        if not uids:
            return
        verb = b"MOVE" if moves else b"COPY"
        done = client.say(
            b"%b%b %b %b" % (b"UID " * by_uid, verb, client.name(uids, by_uid=by_uid), to.encode())
        )
        if moves and client.read_only:
            assert done.startswith(b"NO [READ-ONLY]"), done
            return
        there = [uid for uid in uids if uid in model.messages]
        if not by_uid and there != uids:
            assert done.startswith(b"NO [EXPUNGEISSUED]"), done
            return
        assert done.startswith(b"OK"), done
        if there:
            code = _COPYUID.search(b"\n".join([done, *client.lines]))
            made = [self.boxes[to].add(model.messages[uid]) for uid in there]
            assert (read_set(code[1]), read_set(code[2])) == (there, made)
        for uid in there if moves else ():
            model.remove(uid)
        self.agree(client)
        self.look()

    @rule(who=clients, mask=masks, by_uid=st.booleans(), body=st.booleans())
    def fetch(self, who, mask, by_uid, body):
        client, model = self.at(who)
        by_uid |= client.by_uid
        uids = client.pick(mask)
        if not uids:
            return
        done = client.say(
            b"%bFETCH %b (UID %b)" % (
                b"UID " * by_uid, client.name(uids, by_uid=by_uid),
                b"BODY[TEXT]" if body else b"FLAGS",
            )
        )  # fmt: skip
        there = [uid for uid in uids if uid in model.messages]
        assert done.startswith(b"OK") or (not by_uid and there != uids), done
        if body and not client.read_only:
            unseen = [uid for uid in there if b"\\Seen" not in model.messages[uid]]
            model.store(unseen, b"+", frozenset([b"\\Seen"]))
        self.look()

    @rule(who=clients, by_uid=st.booleans())
    def search(self, who, by_uid):
        client, model = self.at(who)
        by_uid |= client.by_uid
        told = {slot.uid for slot in client.picture.slots}
        assert client.say(b"UID " * by_uid + b"SEARCH FLAGGED").startswith(b"OK")
        matches = [match for line in client.lines if (match := _FOUND.fullmatch(line))]
        assert len(matches) == 1, client.lines
        found = read_set(matches[0][1].replace(b" ", b",")) if matches[0][1] else []
        if not by_uid:
            assert all(number <= len(client.picture.slots) for number in found), found
            found = [client.picture.slots[number - 1].uid for number in found]
        flagged = {uid for uid, flags in model.messages.items() if b"\\Flagged" in flags}
        assert set(found) & told & set(model.messages) == flagged & told

    @rule(who=clients)
    def noop(self, who):
        client, _ = self.at(who)
        assert client.say(b"NOOP").startswith(b"OK")
        self.agree(client)

    def agree(self, client):
        """A client that was told everything believes what is so."""
        client.learn()
        model = self.boxes[client.box]
        assert client.picture.flags == model.messages, client.enables
        assert [slot.uid for slot in client.picture.slots] == sorted(model.messages)

    @rule(who=clients, box=boxes, read_only=st.booleans())
    def select(self, who, box, read_only):
        client = self.clients[who]
        client.select(box, read_only=read_only)
        self.agree(client)

    @rule(who=clients, closes=st.booleans())
    def leave(self, who, closes):
        client, model = self.at(who)
        assert client.say(b"CLOSE" if closes else b"UNSELECT").startswith(b"OK")
        if closes and not client.read_only:
            model.expunge()
        client.box = ""
        self.look()

    @rule(looks=st.booleans(), reconnects=st.booleans())
    def remember(self, looks, reconnects):
        """The client with QRESYNC goes, keeps what it has, and may come back at any time."""
        number = next(n for n, enables in enumerate(KINDS) if enables == b"QRESYNC")
        client, _ = self.at(number)
        if looks and client.picture.slots:
            # It is told what is new, and not yet what went (RFC 7162 §3.2.9).
            assert client.say(b"FETCH 1:%d (FLAGS)" % len(client.picture.slots)).startswith(b"OK")
            client.learn()
        self.remembered[client.box].append(deepcopy(client.picture))
        self.come_back(client.box, -1)
        if reconnects:
            client.close()
            box = client.box
            self.clients[number] = client = Client(self.ports[number % 2], self.address, b"QRESYNC")
            client.select(box, resync=self.remembered[box][-1])
            self.agree(client)

    @rule(box=boxes, which=st.integers(0, 50))
    def come_back(self, box, which):
        """From any state that was remembered, a client ends with what is there."""
        if kept := self.remembered[box]:
            self.returning.select(box, resync=kept[which % len(kept)])
            self.agree(self.returning)


@pytest.mark.timeout(120 + 10 * EXAMPLES)
def test_all_clients_agree_with_the_model(deployment):
    deployment.add_account("postmaster@example.org")
    services = [deployment.start("imap") for _ in range(2)]
    Mailboxes.ports = tuple(service.ports["imap"] for service in services)
    Mailboxes.lmtp_port = deployment.start("smtp-in").ports["lmtp"]
    Mailboxes.add_account = staticmethod(deployment.add_account)
    run_state_machine_as_test(
        Mailboxes,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
            suppress_health_check=list(HealthCheck), print_blob=False,
        ),
    )  # fmt: skip
