"""How the command line reports faults."""

import errno
import sys
from typing import Any, NoReturn

import click

from ostiary.commands.database import unreachable
from ostiary.core.private_files import UnsafeFile, UnusableDirectory
from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.features.keys.rotation import KeyRefused
from ostiary.features.keys.service import KeysUnreadable
from ostiary.persistence.fitness import UnfitDatabase
from ostiary.persistence.migrate import NewerDatabase, NoDatabase
from ostiary.server import standard_streams
from ostiary.server.sockets import CannotListen
from ostiary.settings import BadSettings

_BY_OPERATOR = (
    CannotListen,
    KeyRefused,
    KeysUnreadable,
    NewerDatabase,
    NoDatabase,
    UnfitDatabase,
    UnsafeFile,
    UnusableDirectory,
)
"""Faults whose text names the remedy."""
_OF_THE_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EPIPE)


class Program(click.Group):
    """The `ostiary` command. It reports a fault that an operator can remedy as one line on standard error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Exits with 1 after a fault and with 2 after bad settings."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BadSettings as error:
            click.echo("ostiary cannot start with these settings:", err=True)
            for fault in error.faults:
                click.echo(f"  {fault}", err=True)
            sys.exit(2)
        except _BY_OPERATOR as error:
            _end(str(error))
        except Problem as error:
            is_away = error.kind is DATABASE_UNAVAILABLE
            _end(unreachable(error) if is_away else f"{error.detail} ({error.kind.remedy})")
        except OSError as error:
            if error.filename is not None or error.errno not in _OF_THE_OUTPUT:
                _end(str(error))
            standard_streams.discard_output()
            if error.errno == errno.EPIPE:  # the reader has closed the pipe
                sys.exit(1)
            _end(f"standard output cannot be written: {error.strerror}; what the command has done stands")
        return result


def _end(text: str) -> NoReturn:
    click.echo(f"ostiary: {text}", err=True)
    sys.exit(1)
