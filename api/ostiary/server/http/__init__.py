"""HTTP/1.1 on a socket (RFC 9110, RFC 9112), with checks of form, size and time for everything that clients send."""
