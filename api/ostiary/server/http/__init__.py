"""HTTP/1.1 on a socket (RFC 9110, RFC 9112): what a client may send, in which form, how much and for how long."""
