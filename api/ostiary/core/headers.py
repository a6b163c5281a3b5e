"""The header fields that every answer carries (OWASP ASVS 3.4, OWASP REST Security Cheat Sheet)."""

ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
"""Name and value of each. A view may set its own value; the refusals of the HTTP server use these as they are."""
