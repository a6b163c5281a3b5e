"""What all endpoints share: request bodies, guards, the problem handler and the contract."""
