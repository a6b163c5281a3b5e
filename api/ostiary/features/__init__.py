"""One folder for each thing that a user would name."""
