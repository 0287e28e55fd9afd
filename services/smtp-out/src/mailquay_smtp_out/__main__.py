"""``mailquay-smtp-out``: run the service with settings from the environment."""

from mailquay.runtime.service import run_service
from mailquay_smtp_out.app import start

__all__ = ["main"]


def main() -> None:
    """Run until stopped."""
    run_service("smtp-out", start)


if __name__ == "__main__":
    main()
