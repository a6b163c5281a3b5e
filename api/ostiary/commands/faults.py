"""How the command line tells that something is wrong."""

import errno
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

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


def one_line_faults(command: Callable[..., Any]) -> Callable[..., Any]:
    """Tell an operator's mistake in a line with its remedy, not in a traceback; exit with 1 (2 for bad settings)."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except BadSettings as error:
            click.echo("ostiary cannot start with these settings:", err=True)
            for fault in error.faults:
                click.echo(f"  {fault}", err=True)
            sys.exit(2)
        except (
            CannotListen,
            KeyRefused,
            KeysUnreadable,
            NewerDatabase,
            NoDatabase,
            UnfitDatabase,
            UnsafeFile,
            UnusableDirectory,
        ) as error:
            click.echo(f"ostiary: {error}", err=True)
            sys.exit(1)
        except Problem as error:
            is_away = error.kind is DATABASE_UNAVAILABLE
            told = unreachable(error) if is_away else f"{error.detail} ({error.kind.remedy})"
            click.echo(f"ostiary: {told}", err=True)
            sys.exit(1)
        except OSError as error:
            if error.filename is None:
                raise  # of standard output, perhaps: see Program
            click.echo(f"ostiary: {error}", err=True)
            sys.exit(1)

    return run


_OF_THE_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EPIPE)


class Program(click.Group):
    """The whole command line. Output that cannot be written is reported in one line as well."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except OSError as error:
            if error.filename is None and error.errno in _OF_THE_OUTPUT:
                standard_streams.discard_output()
                if error.errno == errno.EPIPE:  # whoever reads has enough
                    sys.exit(1)
                told = f"standard output cannot be written: {error.strerror}; what the command has done stands"
            else:
                told = str(error)
            click.echo(f"ostiary: {told}", err=True)
            sys.exit(1)
        return result
