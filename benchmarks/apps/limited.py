"""`ostiary serve` with as few open files as BENCH_FILES says: `python -m benchmarks.apps.limited serve`."""

import os
import resource

from ostiary.cli import main

if __name__ == "__main__":
    files = int(os.environ.pop("BENCH_FILES"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    main()
