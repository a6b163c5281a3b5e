"""Flask on one event loop. All code for loops, greenlets, sockets and worker processes is in this package."""
