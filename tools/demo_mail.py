"""A mailbox as a person might have it: what the pictures of the webmail show.

Everyone and everything in it is made up; the domains are RFC 2606's.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

__all__ = ["FOLDERS", "DemoMessage", "demo_mail"]

#: Below the folders that every account has.
FOLDERS: Final = (
    "Projects",
    "Projects/East wall",
    "Projects/Website",
    "Receipts",
    "Travel",
)

_ME: Final = "Alice Archer <alice@mailquay.test>"
_MARTA: Final = "Marta Lindqvist <marta@harbour.example>"
_BOB: Final = "Bob Baker <bob@mailquay.test>"
_JUN: Final = "山田 純 <jun@yamada.example>"
_TOMAS: Final = "Tomás Ferreira <tomas@ferreira-marine.example>"
_PRIYA: Final = "Priya Nair <priya@northpier.example>"


@dataclass(frozen=True, slots=True)
class DemoMessage:
    """One message and where it lies; ``flags`` as IMAP names them."""

    folder: str
    flags: str
    when: datetime
    message: EmailMessage


def demo_mail(now: datetime) -> list[DemoMessage]:
    """All of it, oldest first, dated back from ``now`` (with its time zone)."""
    found = [*_inbox(now), *_filed(now), *_own(now)]
    return sorted(found, key=lambda item: item.when)


def _message(
    when: datetime, sender: str, subject: str, text: str, *, to: str = _ME, cc: str | None = None
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    if cc:
        message["Cc"] = cc
    message["Subject"] = subject
    message["Date"] = format_datetime(when)
    opening = subject.removeprefix("Re: ")
    if opening != subject:
        message["In-Reply-To"] = _message_id(opening, "")
    message["Message-ID"] = _message_id(opening, sender if opening != subject else "")
    message.set_content(text.strip() + "\n")
    return message


def _message_id(opening: str, answered_by: str) -> str:
    """Of what opened a conversation, or of somebody's answer in it."""
    return f"<{zlib.crc32((answered_by + opening).encode()):08x}@mailquay.test>"


def _inbox(now: datetime) -> Iterator[DemoMessage]:
    def item(
        hours: float, sender: str, subject: str, text: str, *, flags: str = "\\Seen", **more: str
    ) -> DemoMessage:
        when = now - timedelta(hours=hours)
        return DemoMessage("INBOX", flags, when, _message(when, sender, subject, text, **more))

    wall = item(0.4, _MARTA, "East wall: drawings for Thursday", _WALL, flags="", cc=_BOB)
    wall.message.add_alternative(_WALL_HTML, subtype="html")
    page = wall.message.get_body(("html",))
    assert page is not None
    page.add_related(harbour(560, 300), "image", "png", cid="<evening@harbour.example>")
    wall.message.add_attachment(
        _pdf("East wall, section B"), maintype="application", subtype="pdf",
        filename="east-wall-section-b.pdf",
    )  # fmt: skip
    wall.message.add_attachment(
        harbour(1200, 800), maintype="image", subtype="png", filename="site-monday.png"
    )
    yield wall

    yield item(1.2, _PRIYA, "Re: Lunch on Friday?", _LUNCH, flags="")
    letter = item(2.1, "The Tide Table <letter@tidetable.example>", _TIDE_SUBJECT, _TIDE, flags="")
    letter.message.add_alternative(_TIDE_HTML, subtype="html")
    yield letter
    yield item(3.5, _BOB, "Minutes of this morning", _MINUTES, flags="\\Seen \\Answered")
    invoice = item(
        5.3, "Nordlicht Hosting <billing@nordlicht.example>", "Your invoice 2207-118", _INVOICE,
        flags="\\Seen \\Flagged",
    )  # fmt: skip
    invoice.message.add_attachment(
        _pdf("Invoice 2207-118"), maintype="application", subtype="pdf",
        filename="invoice-2207-118.pdf",
    )  # fmt: skip
    yield invoice
    yield item(21, _JUN, "来週の打ち合わせについて", _JAPANESE, flags="\\Seen")
    yield item(23, "Quay CI <builds@ci.example>", "[website] Build 481 passed", _BUILD)
    yield item(26, _TOMAS, "Pump spares, second quote", _QUOTE, flags="\\Seen \\Flagged")
    yield item(30, "Ferry Line <booking@ferryline.example>", "Your crossing on 14 June", _FERRY)
    yield item(52, "Elena Rossi <elena@rossi.example>", "Photos from the regatta", _REGATTA)
    yield item(55, _PRIYA, "Budget for the second half of the year", _BUDGET, cc=_MARTA)
    yield item(76, "Harbour Library <desk@library.example>", "A book is waiting for you", _BOOK)
    yield item(98, _BOB, "Re: Key for the pump house", "It is in the second drawer, left.\n\nBob")
    yield item(130, _MARTA, "Re: East wall: tender", _TENDER, flags="\\Seen \\Answered")
    yield item(190, "Sam Okafor <sam@okafor.example>", "Thank you for yesterday", _THANKS)
    yield item(260, "Rowing Club <office@rowing.example>", "Summer season: rota", _ROTA)
    yield item(420, _TOMAS, "Delivery note 5530", "Two pallets, gate 3, signed by Bob.\n\nTomás")
    yield item(610, "Nordlicht Hosting <billing@nordlicht.example>", "Your invoice 2206-104",
               _INVOICE)  # fmt: skip
    yield item(900, "Elena Rossi <elena@rossi.example>", "Long time no see", _ELENA)


def _filed(now: datetime) -> Iterator[DemoMessage]:
    def item(
        folder: str, days: float, sender: str, subject: str, text: str, flags: str = "\\Seen"
    ) -> DemoMessage:
        when = now - timedelta(days=days)
        return DemoMessage(folder, flags, when, _message(when, sender, subject, text))

    yield item("Projects/East wall", 1.5, _MARTA, "Soil report", _SOIL, "")
    yield item("Projects/East wall", 9, _MARTA, "East wall: tender", _TENDER)
    yield item("Projects/Website", 4, _JUN, "New photographs for the start page", _THANKS, "")
    yield item("Projects/Website", 12, _BOB, "Opening hours are wrong", "Saturday is until 4.\n\nB")
    yield item("Receipts", 8, "Corner Books <shop@cornerbooks.example>", "Your receipt", _INVOICE)
    yield item("Travel", 20, "Ferry Line <booking@ferryline.example>", "Your crossing", _FERRY)
    yield item("Archive", 40, _PRIYA, "Welcome to the North Pier", _THANKS)
    yield item("Archive", 61, _BOB, "Keys", "Handed over to Marta today.\n\nBob")
    yield item(
        "Junk", 0.7, "Prize Office <win@prizes.example>", "You have WON!!!",
        "Dear winner,\n\nsend us your bank details to claim your boat.", "",
    )  # fmt: skip
    yield item("Trash", 3, "Rowing Club <office@rowing.example>", "Rota, corrected", _ROTA)


def _own(now: datetime) -> Iterator[DemoMessage]:
    def item(
        folder: str, hours: float, to: str, subject: str, text: str, flags: str = "\\Seen"
    ) -> DemoMessage:
        when = now - timedelta(hours=hours)
        return DemoMessage(folder, flags, when, _message(when, _ME, subject, text, to=to))

    yield item("Sent", 2.9, _BOB, "Re: Minutes of this morning", "Thank you, that is all of it.")
    yield item("Sent", 28, _PRIYA, "Lunch on Friday?", "There is a new place at the old ferry.")
    yield item("Sent", 128, _MARTA, "Re: East wall: tender", "Agreed. Let us take the second one.")
    yield item("Drafts", 4, _TOMAS, "Re: Pump spares, second quote",
               "Dear Tomás,\n\nthank you, we would like to take", "\\Seen \\Draft")  # fmt: skip


_WALL: Final = """
Hi Alice,

the drawings for the east wall are ready. Section B changed most: the footing
is 40 cm deeper than in the tender, which the soil report asks for.

Could you look at it before Thursday? Three things I am unsure about:

  1. the drain at station 12
  2. whether we keep the old bollards
  3. the closing date for gate 3

Marta
"""

_WALL_HTML: Final = """
<p>Hi Alice,</p>
<p>the drawings for the east wall are ready. <b>Section B</b> changed most: the footing is
40&nbsp;cm deeper than in the tender, which the
<a href="https://harbour.example/soil-report">soil report</a> asks for.</p>
<p>Could you look at it before Thursday? Three things I am unsure about:</p>
<ol><li>the drain at station 12</li><li>whether we keep the old bollards</li>
<li>the closing date for gate 3</li></ol>
<p><img src="cid:evening@harbour.example" alt="The quay in the evening" width="560"></p>
<p>The picture is from Monday evening: the water stood just below the cap stones.</p>
<p>Marta</p>
"""

_LUNCH: Final = """
Friday works. Half past twelve at the old ferry? They take no bookings, but the
terrace is never full before one.

Priya

> There is a new place at the old ferry. Would Friday suit you?
"""

_TIDE_SUBJECT: Final = "This week at the water: seals, a lock and a very old map"
_TIDE: Final = "Read this letter in your browser: https://tidetable.example/31"
_TIDE_HTML: Final = """
<div style="background:#eef3f6;padding:24px 0;font-family:Georgia,serif">
<table role="presentation" width="600" align="center" cellpadding="0" cellspacing="0"
 style="background:#ffffff;border-radius:8px">
<tr><td style="background:#12394a;color:#ffffff;padding:28px 32px;border-radius:8px 8px 0 0">
<div style="font-size:13px;letter-spacing:2px;color:#9cc7d8">NO. 31</div>
<div style="font-size:30px">The Tide Table</div></td></tr>
<tr><td><img src="https://pictures.tidetable.example/31/seals.jpg" width="600" height="220"
 alt="Seals on the breakwater"></td></tr>
<tr><td style="padding:24px 32px;color:#22313a;font-size:17px;line-height:1.55">
<h2 style="margin:0 0 8px;font-size:21px">The seals are back</h2>
<p>Eleven of them, on the outer breakwater, since Sunday. Please keep a hundred metres away.</p>
<h2 style="margin:24px 0 8px;font-size:21px">The lock closes at noon</h2>
<p>Between Tuesday and Thursday the small lock is being painted. Large boats are not affected.</p>
<p style="margin-top:28px"><a href="https://tidetable.example/31"
 style="background:#c8552b;color:#ffffff;padding:12px 22px;border-radius:6px;text-decoration:none">
Read on</a></p></td></tr>
<tr><td style="padding:16px 32px;color:#7a8a93;font-size:13px;border-top:1px solid #e3eaee">
You get this letter because you asked for it.
<a href="https://tidetable.example/leave" style="color:#7a8a93">Unsubscribe</a></td></tr>
</table></div>
"""

_MINUTES: Final = """
Everyone was there but Jun.

- Gate 3 stays open until the drawings are signed.
- The pump spares are ordered as soon as Tomás has quoted again.
- Website: opening hours are wrong, Jun mends them.

Next time Thursday, nine o'clock: https://rooms.example/quay-2

Bob
"""

_INVOICE: Final = """
Dear customer,

thank you for being with us. Your invoice for this month is attached.

  Mail and web, small    1 month    12.00
  Backup, 50 GB          1 month     4.50

It will be debited in the next days; there is nothing for you to do.

Nordlicht Hosting
"""

_JAPANESE: Final = """
アリスさん

お世話になっております。来週の打ち合わせですが、火曜日の午後はいかがでしょうか。
写真の候補を三枚お持ちします。

よろしくお願いいたします。
山田
"""

_BUILD: Final = """
Build 481 of website passed in 2 min 14 s.

  lint        passed
  tests       212 passed
  deploy      staging

https://ci.example/website/481
"""

_QUOTE: Final = """
Dear Alice,

the second quote, with the seals included:

  impeller 180 mm       2 x   214.00
  shaft seal            4 x    38.50
  gasket set            2 x    19.90

Valid until the end of the month. Delivery takes eight working days.

Com os melhores cumprimentos,
Tomás
"""

_FERRY: Final = """
Booking 7K2-QX

  Sat 14 June   08:40   North Pier  ->  Skerry Island
  Sun 15 June   17:15   Skerry Island  ->  North Pier

Two adults, two bicycles. Please be at the pier twenty minutes before.
"""

_REGATTA: Final = """
We came fourth! The pictures are here: https://rossi.example/regatta

You should have seen the start: two boats went for the same mark, and the
committee boat had to jump out of the way.

Baci
Elena
"""

_BUDGET: Final = """
Dear both,

I have put the figures of the first half into the sheet. We are 4 % under plan,
mostly because the east wall starts later.

Please send me your wishes for the second half until the 20th.

Priya
"""

_BOOK: Final = """
"A Field Guide to Harbours" is waiting for you at the desk until Saturday.
"""

_TENDER: Final = """
Three offers came in. The second is the cheapest that includes the drains.
I would take that one; the first leaves them out and the third starts in autumn.

Marta
"""

_THANKS: Final = """
Thank you for the tour, it was good to see everything in one afternoon.
I will send the photographs as soon as they are sorted.
"""

_ROTA: Final = """
The rota for the summer is on the board and below.

  Mon  juniors     Tue  eights     Wed  free
  Thu  beginners   Fri  juniors    Sat  everyone
"""

_ELENA: Final = """
Ciao Alice,

I am back at the coast from May on. Coffee?

Elena
"""

_SOIL: Final = """
The report is in: soft clay down to 6.2 m, then gravel. The footing has to go
40 cm deeper, which I have put into section B.

Marta
"""


def harbour(width: int, height: int) -> bytes:
    """A PNG of a harbour in the evening: sky, sun, water and a quay."""
    horizon, sun_x, sun_y, radius = height * 11 // 20, width * 7 // 10, height * 2 // 5, height // 9
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # each row's filter: none
        for x in range(width):
            rows.extend(_pixel(x, y, width, height, horizon, (sun_x, sun_y, radius)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(bytes(rows), 6))
        + _chunk(b"IEND", b"")
    )


def _pixel(
    x: int, y: int, width: int, height: int, horizon: int, sun: tuple[int, int, int]
) -> tuple[int, int, int]:
    sun_x, sun_y, radius = sun
    if y > height * 5 // 6 - (x * height // 9) // width:
        return (52, 60, 66) if (x // max(8, width // 24)) % 2 else (58, 67, 73)
    if y >= horizon:
        depth = (y - horizon) * 100 // (height - horizon)
        glint = abs(x - sun_x) < radius * (120 - depth) // 110 and (y // 3) % 2 == 0
        return (246, 190, 132) if glint else (46 - depth // 5, 96 - depth // 2, 116 - depth // 2)
    if (x - sun_x) ** 2 + (y - sun_y) ** 2 < radius**2:
        return (255, 226, 168)
    share = y * 100 // horizon
    return (96 + share * 3 // 2, 130 + share * 3 // 5, 168 - share // 5)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _pdf(title: str) -> bytes:
    """A PDF of one page with a title on it."""
    words = f"BT /F1 24 Tf 72 720 Td ({title}) Tj ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(words), words),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    made = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(made)
    made += b"xref\n0 6\n0000000000 65535 f \n"
    made += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    made += b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(made)
