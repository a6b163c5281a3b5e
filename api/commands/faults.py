"""How the command line tells that something is wrong."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from api.core.problems import Problem
from api.features.keys.rotation import KeyRefused
from api.features.keys.service import KeysUnreadable
from api.persistence.migrate import NewerDatabase
from api.server.sockets import CannotListen
from api.settings import BadSettings
from api.web.compatibility import NotAContract
from api.web.compatibility.report import NoMarkers


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
        except (CannotListen, KeyRefused, KeysUnreadable, NewerDatabase, NotAContract, NoMarkers) as error:
            click.echo(f"ostiary: {error}", err=True)
            sys.exit(1)
        except Problem as error:
            click.echo(f"ostiary: {error.detail} ({error.kind.remedy})", err=True)
            sys.exit(1)
        except OSError as error:
            click.echo(f"ostiary: {error}", err=True)
            sys.exit(1)

    return run
