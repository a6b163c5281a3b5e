"""Whoever installs an SDK: a Python environment or a TypeScript project of their own, with a type checker."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from openapi.node import MODULES, node, npm, tool
from openapi.processes import Answer, run, succeeded
from openapi.sdk.build import TYPESCRIPT


@dataclass(frozen=True)
class PythonUser:
    """Somebody with a virtual environment. `packages`: where a generated package lies that is not installed."""

    directory: Path
    packages: Path | None = None

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.directory / "venv" / "bin" / "python"

    def install(self, wheel: Path) -> None:
        """Make the environment and install the wheel with what it depends on."""
        succeeded(run([sys.executable, "-m", "venv", self.directory / "venv"], self.directory))
        succeeded(run([self.python, "-m", "pip", "install", "--quiet", wheel], self.directory))

    def check(self, *programs: Path) -> Answer:
        """Run mypy --strict on `programs`."""
        cache = self.directory.parent / "mypy-cache"
        command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", *programs]
        if self.packages:
            return run(command, self.directory, {"MYPYPATH": str(self.packages)})
        return run([*command, "--python-executable", self.python], self.directory)

    def run(self, program: Path, *arguments: str) -> Answer:
        """Run a program with what is installed, and nothing of this repository."""
        return run([self.python, "-I", program, *arguments], self.directory)


@dataclass(frozen=True)
class TypeScriptUser:
    """Somebody with a directory of TypeScript, compiled strictly."""

    directory: Path

    def install(self, tarball: Path) -> None:
        """Install the tarball, which depends on nothing."""
        (self.directory / "package.json").write_text('{"type": "module", "private": true}\n')
        npm("install", "--offline", "--ignore-scripts", tarball, directory=self.directory)

    def check(self, *programs: Path) -> Answer:
        """Run tsc, strict, on copies of `programs`."""
        for program in programs:
            shutil.copy(program, self.directory)
        return compiled(self.directory, *(program.name for program in programs))

    def run(self, program: Path, *arguments: str) -> Answer:
        """Run a program that has been checked: Node strips its types."""
        return node(self.directory / program.name, *arguments, directory=self.directory)


def compiled(directory: Path, *files: str, **options: object) -> Answer:
    """Run tsc, strict, on `files` in `directory`; `options` replace those of the compiler."""
    settings = {
        "extends": str(TYPESCRIPT / "tests" / "tsconfig.json"),
        "compilerOptions": {"typeRoots": [str(MODULES / "@types")], **options},
        "files": sorted(files),
    }
    (directory / "tsconfig.json").write_text(json.dumps(settings))
    return tool("tsc", "--project", ".", directory=directory)
