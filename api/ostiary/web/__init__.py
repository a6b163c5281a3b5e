"""What every endpoint shares: bodies, guards, the problem handler, the contract."""
