"""What other people's tools make of the contract: clients in other languages, mocks, collections, test cases."""
