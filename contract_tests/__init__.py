"""The contract, proved from outside: over HTTP alone, against any deployment."""
