"""Ostiary: an authentication and authorization API on Flask whose OpenAPI contract is proved."""

__version__ = "0.2.0"
