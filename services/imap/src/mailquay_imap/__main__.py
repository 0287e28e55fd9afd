"""``mailquay-imap``: run the service with settings from the environment."""

from mailquay.runtime.service import run_service
from mailquay_imap.app import start

__all__ = ["main"]


def main() -> None:
    """Run until stopped."""
    run_service("imap", start)


if __name__ == "__main__":
    main()
