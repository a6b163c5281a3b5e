"""The client SDKs: their settings, their build, and the tests that run them."""
