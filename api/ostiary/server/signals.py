"""The effect of signals on the command, its supervisor and its workers.

TERM, INT and QUIT request an orderly stop, HUP requests new workers. USR1, USR2, ALRM, TTIN, TTOU and WINCH do nothing.
Log rotation, terminals and operators who are used to another server send these. This module imports nothing heavy, so
that the command handles signals before it imports the application.
"""

import os
import signal
import threading
import time
from collections.abc import Iterable
from types import FrameType

_STOPS = ("SIGTERM", "SIGINT", "SIGQUIT")
_RENEWS = ("SIGHUP",)
_IGNORED = ("SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTTIN", "SIGTTOU", "SIGWINCH")


def _existing(names: Iterable[str]) -> tuple[signal.Signals, ...]:
    """Return the signals that exist on this system."""
    return tuple(signal.Signals[name] for name in names if hasattr(signal, name))


STOP_SIGNALS = _existing(_STOPS)
RENEW_SIGNALS = _existing(_RENEWS)
IGNORED_SIGNALS = _existing(_IGNORED)
HANDLED_SIGNALS = {*STOP_SIGNALS, *RENEW_SIGNALS}

PREPARE_SECONDS = 4.0
"""Seconds for a step before serving, such as a migration, to end after a stop signal."""
HURRY_AFTER = 1.0
"""Seconds after the first stop signal before another one counts, because some launchers send a signal twice."""


class Asked:
    """The requests that signals have made to this process.

    stop: stop in order. hurry: do not wait for requests any longer. renew: replace the workers.
    """

    def __init__(self) -> None:
        self.stop = False
        self.hurry = False
        self.renew = False
        self._is_preparing = True
        self._first_stop = 0.0

    def listen(self) -> None:
        """Record the signals of this process in this object from now on."""
        for name in IGNORED_SIGNALS:
            signal.signal(name, signal.SIG_IGN)
        for name in STOP_SIGNALS:
            signal.signal(name, self.note_stop)
        for name in RENEW_SIGNALS:
            signal.signal(name, self.note_renewal)

    def note_stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Note a request to stop the process."""
        now = time.monotonic()
        if not self.stop:
            self.stop = True
            self._first_stop = now
            if self._is_preparing:
                timer = threading.Timer(PREPARE_SECONDS, os._exit, (0,))
                timer.daemon = True
                timer.start()
        elif now - self._first_stop > HURRY_AFTER:
            self.hurry = True

    def note_renewal(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Note a request to replace the workers."""
        self.renew = True

    def exit_if_stopped(self) -> None:
        """Raise SystemExit(0) if a stop was requested. Call it between two steps of the preparation."""
        if self.stop:
            raise SystemExit(0)

    def begin_to_serve(self) -> None:
        """End the preparation. From now on the server checks `stop` itself. Raises SystemExit(0) if it is set."""
        self._is_preparing = False
        self.exit_if_stopped()
        self.renew = False  # all workers will be new


_asked = Asked()


def take_over() -> Asked:
    """Handle signals from now on; return the process's only Asked object."""
    _asked.listen()
    return _asked


def exit_at_once() -> None:
    """Exit with 0 on a stop signal. This is for the time in which the process only imports modules."""
    for name in (*IGNORED_SIGNALS, *RENEW_SIGNALS):
        signal.signal(name, signal.SIG_IGN)
    for name in STOP_SIGNALS:
        signal.signal(name, lambda _signal, _frame: os._exit(0))
