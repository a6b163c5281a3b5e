"""Raw HTTP shapes, each with the answer that is right by its RFC: `python -m benchmarks.shapes URL`."""
