"""``mailquay-webmail-api``: run the service with settings from the environment."""

from mailquay.runtime.service import run_service
from mailquay_webmail_api.app import start

__all__ = ["main"]


def main() -> None:
    """Run until stopped."""
    run_service("webmail-api", start)


if __name__ == "__main__":
    main()
