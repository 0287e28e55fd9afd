"""The built application's files, over sockets."""

import gzip
import os
import time

import httpx
import pytest
import zstandard

SCRIPT = b"console.log('harbour');\n" * 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Mailquay</title>")
    (folder / "assets" / "index-1a2b3c.js").write_bytes(SCRIPT)
    (folder / ".secret").write_text("no")
    os.symlink("/etc/hostname", folder / "linked.txt")
    return folder


@pytest.fixture(scope="module")
def site(deployment, folder):
    web = deployment.start("webmail-api", WEB__STATIC_FOLDER=str(folder))
    with httpx.Client(base_url=f"http://127.0.0.1:{web.ports['http']}") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/mail", "/mail/M1", "/mail/M1/E2?q=a%2Fb", "/index.html"])
def test_every_place_in_the_application_is_its_page(site, path):
    answer = site.get(path)
    assert answer.status_code == 200
    assert answer.text == "<!doctype html><title>Mailquay</title>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-src 'self'"} <= set(policy)
    assert "frame-ancestors 'none'" in policy


def test_a_file_with_a_hash_in_its_name_is_kept_for_ever(site):
    answer = site.get("/assets/index-1a2b3c.js")
    assert answer.content == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("accepted", "coding", "unpack"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("gzip, deflate, br, zstd", "zstd", zstandard.decompress),
        ("zstd;q=0, gzip;q=0.5", "gzip", gzip.decompress),
        ("identity", None, bytes),
    ],
)
def test_a_file_comes_as_the_browser_wants_it(site, accepted, coding, unpack):
    headers = {"Accept-Encoding": accepted}
    with site.stream("GET", "/assets/index-1a2b3c.js", headers=headers) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert unpack(body) == SCRIPT
    assert len(body) < len(SCRIPT) or coding is None


def test_a_browser_that_has_the_page_is_not_sent_it_again(site):
    etag = site.get("/").headers["etag"]
    answer = site.get("/", headers={"If-None-Match": f'"other", {etag}'})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/nothing", "/mailbox", "/.secret", "/linked.txt", "/assets/", "/..%2f..%2fetc/passwd"]
)
def test_what_is_not_there_is_a_problem(site, path):
    answer = site.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_new_build_is_served_without_a_restart(deployment, tmp_path):
    web = deployment.start("webmail-api", WEB__STATIC_FOLDER=str(tmp_path / "dist"))
    with httpx.Client(base_url=f"http://127.0.0.1:{web.ports['http']}") as client:
        answer = client.get("/")
        assert answer.status_code == 503
        assert "has not been built" in answer.text
        (tmp_path / "dist").mkdir()
        (tmp_path / "dist" / "index.html").write_text("built")
        deadline = time.monotonic() + 20
        while answer.status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
            answer = client.get("/")
        assert answer.text == "built"


def test_head_has_no_body(site):
    answer = site.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_page_cannot_be_written(site):
    assert site.put("/mail").status_code == 405
