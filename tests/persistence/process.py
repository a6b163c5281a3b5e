"""What the tests let another process do: `python -m tests.persistence.process COMMAND URL [ARGUMENT]`.

Each command says "ready" and waits for a line before it begins, so that several begin together.
"""

import asyncio
import sys

from ostiary.persistence.migrate import migrate
from tests.persistence.conftest import insert, opened


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def migrate_it(url: str, _: int) -> None:
    tell(",".join(await migrate(url, 30)) or "nothing")


async def write_many(url: str, first: int) -> None:
    """Write 64 rows at once."""
    async with opened(url, timeout=30) as database:
        await asyncio.gather(*(database.write(insert(number)) for number in range(first, first + 64)))


async def write_on(url: str, _: int) -> None:
    """Write rows until killed; tell of each once it is acknowledged."""
    async with opened(url) as database:
        number = 0
        while True:
            await asyncio.gather(*(database.write(insert(number + one)) for one in range(4)))
            number += 4
            tell(str(number - 1))


COMMANDS = {"migrate": migrate_it, "write-many": write_many, "write-on": write_on}

if __name__ == "__main__":
    command, url, argument = sys.argv[1:]
    tell("ready")
    sys.stdin.readline()
    asyncio.run(COMMANDS[command](url, int(argument)))
