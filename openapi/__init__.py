"""The contract: what lints it and what generates from it."""
