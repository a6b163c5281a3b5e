"""The groups and commands of `ostiary` that manage what lives on the server."""
