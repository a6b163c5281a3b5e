"""Messages to the service manager in the protocol of sd_notify(3), for systemd and others that set NOTIFY_SOCKET."""

import os
import socket
import time
from collections.abc import Mapping

import structlog

log = structlog.stdlib.get_logger(__name__)

SEND_SECONDS = 1.0


class ServiceManager:
    """Reports the state of the service. Does nothing if no manager listens.

    watchdog: seconds between two WATCHDOG=1 messages, half of the manager's time limit; 0 if the manager expects none.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        address = given.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        is_ours = given.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        period = given.get("WATCHDOG_USEC", "") if is_ours and address else ""
        self.watchdog = int(period) / 2e6 if period.isdecimal() else 0.0

    def ready(self) -> None:
        """Report that every worker answers, at the start or after a renewal."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Report that the workers are being renewed."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Report that the service is stopping."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Report that the service does not hang."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.settimeout(SEND_SECONDS)
                manager.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("the service manager cannot be reached", socket=self._address, error=str(error))
