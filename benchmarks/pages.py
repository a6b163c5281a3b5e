"""The pages that a reader of the contract opens, asked for as a browser does, beside a bare view on the same server."""

import gzip
import sys
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import programs, report
from benchmarks.contenders import Contender
from benchmarks.measuring import Sample

AIM = 0.8
GZIP = {"Accept-Encoding": "gzip"}
PATHS = {"/openapi.json": b'"openapi"', "/docs": b"swagger-ui"}
"""The pages, each with something that stands in it."""


@dataclass(frozen=True)
class Page(Contender):
    """A page, and how it is asked for. status: what it must answer. holds: what its body has in it, once unpacked."""

    status: int = 200
    holds: bytes = b""

    def check(self) -> None:
        """Raise Failed unless the page answers as it should."""
        answer = programs.fetch(self.url + self.path, self.headers)
        if answer.status != self.status or self.holds not in _unpacked(answer):
            raise programs.Failed(f"{self.title} answered {answer.status} with {len(answer.body)} bytes")


def contenders(ostiary: Contender, bare: Contender) -> list[Contender]:
    """Return the bare view and the pages of `ostiary`; a page that has an ETag is asked for once more, with it.

    Says so on standard error where there is no ETag. Raises Failed when a page is not answered.
    """
    found: list[Contender] = [replace(bare, headers=GZIP)]
    for path, holds in PATHS.items():
        answer = programs.fetch(ostiary.url + path, GZIP)
        title = f"{path}, {len(answer.body) / 1024:.1f} KiB {answer.headers.get('Content-Encoding', '')}".rstrip()
        place = ostiary.process, ostiary.url
        found.append(Page(path, title, *place, headers=GZIP, path=path, holds=holds))
        tag = answer.headers.get("ETag")
        if tag is None:
            print(f"{path} has no ETag: no conditional request is measured", file=sys.stderr)
            continue
        conditional = GZIP | {"If-None-Match": tag}
        found.append(
            Page(f"{path} unchanged", f"{path}, unchanged", *place, headers=conditional, path=path, status=304)
        )
    return found


def ratios(samples: dict[str, list[Sample]]) -> list[dict[str, Any]]:
    """Return the ratio of each page to the bare view, with its aim."""
    return [
        {
            "says": f"{key} / (a)",
            "ratio": report.ratio(samples, key, "bare"),
            "cpu_ratio": report.cpu_ratio(samples, key, "bare"),
            "aim": AIM,
        }
        for key in samples
        if key != "bare"
    ]


def _unpacked(answer: programs.Answer) -> bytes:
    return gzip.decompress(answer.body) if answer.headers.get("Content-Encoding") == "gzip" else answer.body
