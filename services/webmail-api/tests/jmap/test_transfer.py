"""Uploads and downloads (RFC 8620 §6)."""

import hashlib
import os
import re
import smtplib
import socket
import time

import httpx
import pytest

from mailquay.testing.deployment import PASSWORD

MESSAGE = (
    b"From: friend@elsewhere.example\r\nTo: anna@example.org\r\nSubject: files\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n"
    b"--b\r\nContent-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"iVBORw0KGgo=\r\n--b--\r\n"
)


def upload(jmap, content: bytes, content_type: str = "application/octet-stream") -> httpx.Response:
    headers = {"Content-Type": content_type}
    return jmap.http.post(f"/jmap/upload/{jmap.account_id}/", content=content, headers=headers)


def download(jmap, blob: str, name: str = "x", **more) -> httpx.Response:
    return jmap.http.get(f"/jmap/download/{jmap.account_id}/{blob}/{name}", **more)


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_what_goes_up_comes_down(anna, size):
    content = os.urandom(size)
    answer = upload(anna, content, "Image/PNG; name=x")
    assert answer.status_code == 201
    stored = answer.json()
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", stored["blobId"])
    assert stored == {
        "accountId": anna.account_id,
        "blobId": stored["blobId"],
        "type": "image/png",
        "size": size,
    }
    back = download(anna, stored["blobId"])
    assert back.content == content
    assert back.headers["content-type"] == "image/png"


def test_an_upload_in_chunks_of_unknown_length_is_taken(anna):
    pieces = [b"a" * 1000] * 300
    answer = anna.http.post(f"/jmap/upload/{anna.account_id}/", content=iter(pieces))
    assert answer.json()["size"] == 300_000
    assert answer.json()["type"] == "application/octet-stream"


@pytest.fixture(scope="module")
def narrow(deployment, anna):
    """A service that takes little."""
    web = deployment.start(
        "webmail-api",
        WEB__MAX_UPLOAD_BYTES=str(1 << 20),
        WEB__MAX_UNUSED_UPLOAD_BYTES=str(1 << 20),
    )
    url = f"http://127.0.0.1:{web.ports['http']}"
    with httpx.Client(base_url=url, auth=("anna@example.org", PASSWORD)) as client:
        yield client


@pytest.mark.parametrize("is_told", [True, False])
def test_more_than_may_be_is_not_read(anna, narrow, is_told):
    content = b"a" * ((1 << 20) + 1)
    body = content if is_told else iter([content[:1000], content[1000:]])
    answer = narrow.post(f"/jmap/upload/{anna.account_id}/", content=body)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_uploads_that_nobody_uses_are_bounded(deployment, narrow):
    account = deployment.add_account("hoarder@example.org")
    path = f"/jmap/upload/A{account.id}/"
    auth = ("hoarder@example.org", PASSWORD)
    assert narrow.post(path, content=b"a" * 600_000, auth=auth).status_code == 201
    answer = narrow.post(path, content=b"a" * 600_000, auth=auth)
    assert answer.status_code == 507
    assert narrow.post(path, content=b"a" * 100_000, auth=auth).status_code == 201


def test_an_upload_that_breaks_off_is_none(anna, web):
    with socket.create_connection(("127.0.0.1", web.ports["http"])) as connection:
        request = anna.http.build_request("POST", f"/jmap/upload/{anna.account_id}/")
        head = f"POST {request.url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        connection.sendall(head.encode() + b"\r\nhalf")
    # The service goes on.
    assert upload(anna, b"whole").status_code == 201


def test_nobody_reaches_anothers_blobs(anna, bert):
    blob = upload(anna, b"secret").json()["blobId"]
    assert download(bert, blob).status_code == 404
    path = f"/jmap/download/{anna.account_id}/{blob}/x"
    assert bert.http.get(path).status_code == 404
    assert httpx.get(f"{anna.http.base_url}{path}").status_code == 401
    assert bert.http.post(f"/jmap/upload/{anna.account_id}/", content=b"x").status_code == 404


@pytest.mark.parametrize("blob", ["U999999", "B999999", "nothing", "B1-99", "M1", "U1_0", "%00"])
def test_what_is_no_blob_is_not_found(anna, blob):
    assert download(anna, blob).status_code == 404


@pytest.fixture(scope="module")
def message(anna, smtp):
    """The blob id of a delivered message."""
    with smtplib.SMTP("127.0.0.1", smtp.ports["smtp"], timeout=20) as client:
        client.sendmail("friend@elsewhere.example", ["anna@example.org"], MESSAGE)
    return "B1"  # the first of this database


def test_a_message_comes_whole_and_its_parts_decoded(anna, message):
    whole = download(anna, message, "message.eml", params={"accept": "message/rfc822"})
    assert whole.content.endswith(MESSAGE)
    assert whole.headers["content-type"] == "message/rfc822"
    assert download(anna, f"{message}-1").content == "Grüße".encode()
    picture = download(anna, f"{message}-2", "a.png")
    assert picture.content == b"\x89PNG\r\n\x1a\n"
    assert picture.headers["content-type"] == "image/png"
    assert download(anna, f"{message}-3").status_code == 404


@pytest.mark.parametrize("accept", ["text/html", "image/svg+xml", "application/xhtml+xml"])
def test_nothing_that_is_downloaded_runs_here(anna, accept):
    blob = upload(anna, b"<script>alert(1)</script>").json()["blobId"]
    answer = download(anna, blob, "evil.html", params={"accept": accept})
    assert answer.headers["content-type"] == accept
    assert answer.headers["content-disposition"] == 'attachment; filename="evil.html"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_is_no_media_type_is_not_said(anna):
    blob = upload(anna, b"x", "text/plain").json()["blobId"]
    answer = download(anna, blob, params={"accept": "text/html\r\nX-Evil: 1"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "name", ["a%2Fb.txt", "a/b.txt", "..%2f..%2fetc", "%C3%A4.txt", "%0d%0aX:y"]
)
def test_any_name_may_be_asked_for(anna, name):
    blob = upload(anna, b"x").json()["blobId"]
    answer = download(anna, blob, name)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert "/" not in answer.headers["content-disposition"]


def test_a_blob_never_changes_and_is_kept_by_the_browser(anna):
    blob = upload(anna, b"x" * 100).json()["blobId"]
    answer = download(anna, blob)
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = download(anna, blob, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("field", "status", "content"),
    [
        ("bytes=0-4", 206, b"01234"),
        ("bytes=-3", 206, b"789"),
        ("bytes=20-", 416, b""),
        ("bytes=0-1,3-4", 200, b"0123456789"),
    ],
)
def test_a_part_may_be_asked_for(anna, field, status, content):
    blob = upload(anna, b"0123456789").json()["blobId"]
    answer = download(anna, blob, headers={"Range": field})
    assert (answer.status_code, answer.content) == (status, content)
    if status != 200:
        assert answer.headers["content-range"].endswith("/10")
    stale = download(anna, blob, headers={"Range": field, "If-Range": '"other"'})
    assert (stale.status_code, stale.content) == (200, b"0123456789")


def test_head_tells_the_size(anna):
    blob = upload(anna, b"0123456789").json()["blobId"]
    answer = anna.http.head(f"/jmap/download/{anna.account_id}/{blob}/x")
    assert (answer.headers["content-length"], answer.content) == ("10", b"")


def test_a_large_blob_arrives_whole(anna):
    content = os.urandom(9_000_000)
    blob = upload(anna, content).json()["blobId"]
    assert hashlib.sha256(download(anna, blob).content).digest() == hashlib.sha256(content).digest()


def test_a_blob_is_copied_where_it_is(anna, bert):
    # RFC 8620 §6.3
    blob = upload(anna, b"x").json()["blobId"]
    account = anna.account_id
    done = anna.call("Blob/copy", fromAccountId=account, blobIds=[blob, "U999999", blob])
    assert done["copied"] == {blob: blob}
    assert done["notCopied"] == {"U999999": {"type": "notFound"}}
    error = anna.error("Blob/copy", fromAccountId=bert.account_id, blobIds=[blob])
    assert error["type"] == "fromAccountNotFound"
    assert anna.error("Blob/copy", fromAccountId=account)["type"] == "invalidArguments"


def test_large_downloads_at_once_are_bounded(deployment, anna):
    """Who takes nothing of what is sent holds a slot, until the time for that is over."""
    web = deployment.start("webmail-api", WEB__MAX_DOWNLOADS="1", WEB__REQUEST_TIMEOUT_SECONDS="2")
    blob = upload(anna, os.urandom(16_000_000)).json()["blobId"]
    path = f"/jmap/download/{anna.account_id}/{blob}/x"
    url = f"http://127.0.0.1:{web.ports['http']}"
    auth = ("anna@example.org", PASSWORD)
    with (
        httpx.Client(base_url=url, auth=auth, timeout=20) as client,
        client.stream("GET", path) as slow,
    ):
        assert slow.status_code == 200
        answer = client.get(path)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "5"
        small = upload(anna, b"small").json()["blobId"]
        path_of_small = f"/jmap/download/{anna.account_id}/{small}/x"
        assert client.get(path_of_small).content == b"small"
        deadline = time.monotonic() + 20
        while answer.status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
            answer = client.get(path)
    assert len(answer.content) == 16_000_000
