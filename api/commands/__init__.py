"""The groups of the `ostiary` command that manage what lives on the server."""
