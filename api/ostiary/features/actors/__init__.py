"""Writes on behalf of somebody."""
