"""Step-up authentication: some operations need a login by a person, or even a recent login (RFC 9470)."""

from datetime import timedelta

from ostiary.core.clock import Clock
from ostiary.core.principal import AAL1, Principal
from ostiary.core.problems import BEARER, INSUFFICIENT_USER_AUTHENTICATION


class StepUp:
    """Compares logins with what operations need. fresh, session: seconds for which a login is recent, or valid."""

    def __init__(self, clock: Clock, *, fresh: int, session: int) -> None:
        self._clock = clock
        self._fresh = fresh
        self._session = session

    def require(self, bearer: Principal, *, fresh: bool) -> None:
        """Raise `insufficient_user_authentication` unless a person has logged in, and recently if `fresh`."""
        max_age = self._fresh if fresh else self._session
        logged_in = bearer.auth_time
        if bearer.acr is None or logged_in is None or self._clock.now() > logged_in + timedelta(seconds=max_age):
            challenge = f'{BEARER}, error="insufficient_user_authentication", acr_values="{AAL1}", max_age="{max_age}"'
            raise INSUFFICIENT_USER_AUTHENTICATION(challenge=challenge, acr_values=[AAL1], max_age=max_age)
