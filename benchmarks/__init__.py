"""Speed and memory figures, each as a ratio measured in one run: `python -m benchmarks`."""
