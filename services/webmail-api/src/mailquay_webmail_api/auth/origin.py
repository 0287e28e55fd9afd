"""Whether a request comes from our own page (Fetch Metadata; RFC 6454). No I/O here.

Browsers tell where a request was made; what tells nothing is no browser, and has to show the
CSRF token all the same.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers

__all__ = ["is_from_elsewhere"]


def is_from_elsewhere(headers: Headers, public_url: str | None) -> bool:
    """Whether a browser says that another site's page made this request."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    # To plain HTTP elsewhere than on this machine browsers say no more than the Origin.
    origin = headers.get("origin")
    if origin is None:
        return False
    # A proxy before us may end TLS and change the port, so that the host is what can be compared.
    own = {headers.get("host", "").lower()}
    if public_url is not None:
        own.add(urlsplit(public_url).netloc.lower())
    return urlsplit(origin).netloc.lower() not in own - {""}
