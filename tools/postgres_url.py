"""Exit with a clear message if the tests on PostgreSQL have no server to use."""

import os
import sys

VARIABLE = "OSTIARY_TEST_POSTGRES_URL"

if __name__ == "__main__" and not os.environ.get(VARIABLE):
    sys.exit(
        f"{VARIABLE} is not set. Start a server and name it:\n"
        "  docker compose up --detach --wait\n"
        f"  export {VARIABLE}=postgresql+asyncpg://postgres:postgres@127.0.0.1:54329/postgres\n"
        "See CONTRIBUTING.md."
    )
