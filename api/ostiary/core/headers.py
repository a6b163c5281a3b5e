"""The header fields that every answer carries (OWASP ASVS 3.4, OWASP REST Security Cheat Sheet)."""

ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
"""Names and values. A view may set another value; refusals by the HTTP server use these values."""
