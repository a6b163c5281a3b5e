"""Is a password among the common ones? (NIST SP 800-63B section 3.1.1.2; OWASP ASVS 6.2.4)

The list is zxcvbn's: some 30,000 passwords from breaches, most frequent first, in lower case.
"""

from functools import cache


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - half a second and some MiB, if ever needed

    return frozenset(FREQUENCY_LISTS["passwords"])


def is_common(password: str) -> bool:
    """Return whether `password`, regardless of case, is among the common ones."""
    return password.lower() in _common()
