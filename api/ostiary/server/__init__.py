"""Flask on one event loop. The only code that knows about loops, greenlets, sockets and worker processes."""
