"""The applications that Ostiary is compared with."""

MESSAGE = "This is a protected route!"
"""What every one of them answers."""
