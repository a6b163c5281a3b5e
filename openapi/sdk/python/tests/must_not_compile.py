"""What mypy has to refuse: a line that it accepts makes its `type: ignore` unused, which is an error."""

from typing import assert_type

from ostiary_client import InvalidCredentials, Ostiary, ValidationFailed, models

ostiary = Ostiary("http://127.0.0.1:8000")

ostiary.auth.login(username="user1")  # type: ignore[call-arg]
ostiary.auth.login(username=None, password="password123")  # type: ignore[arg-type]
ostiary.auth.login(username=1, password="password123")  # type: ignore[arg-type]
ostiary.auth.login(username="user1", password="password123", remember=True)  # type: ignore[call-arg]
ostiary.auth.post_login()  # type: ignore[attr-defined]
ostiary.protected.get_protected(1)  # type: ignore[call-arg]

pair = ostiary.auth.login(username="user1", password="password123")
assert_type(pair, models.TokenPair)
assert_type(pair.expires_in, int)
assert_type(ostiary.protected.get_protected().message, str)
pair.acces_token  # type: ignore[attr-defined]  # noqa: B018
pair.access_token + 1  # type: ignore[operator]

credentials = InvalidCredentials.problem
credentials.code == "invalid_token"  # type: ignore[comparison-overlap]  # noqa: B015
credentials.status == 403  # type: ignore[comparison-overlap]  # noqa: B015
credentials.errors  # type: ignore[attr-defined]  # noqa: B018
assert_type(ValidationFailed.problem.errors[0].pointer, str)
