"""Names: a caching resolver, and one with fixed answers for tests."""

from mailquay.dns.resolver import Resolver, open_resolver

__all__ = ["Resolver", "open_resolver"]
