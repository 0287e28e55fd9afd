"""aiosmtpd as it comes, with a handler that drops everything: what reading costs in Python."""

import asyncio
import sys
from typing import Any

from aiosmtpd.smtp import SMTP

__all__ = ["main"]


class _Drop:
    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        return "250 2.0.0 Ok"


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(_Drop(), hostname="sink.example.test", loop=loop), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve on the port that is the first argument."""
    asyncio.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
