"""``python -m mailquay.cli``."""

from mailquay.cli.app import main

if __name__ == "__main__":
    main()
