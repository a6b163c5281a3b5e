"""Generate and build both SDKs from a contract: `python -m openapi.sdk.build [CONTRACT [OUTPUT]]`.

By default from openapi/openapi.json into dist/sdk/: a wheel and an sdist for Python, a tarball for npm. Nothing here
knows an operation by name.
"""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Any

from openapi.node import HERE as OPENAPI
from openapi.node import npm, tool
from openapi.processes import run, succeeded

HERE = Path(__file__).parent
CONTRACT = OPENAPI / "openapi.json"
OUTPUT = OPENAPI.parent / "dist" / "sdk"
PYTHON = HERE / "python"
TYPESCRIPT = HERE / "typescript"
LICENSE = OPENAPI.parent / "LICENSE"


@dataclass(frozen=True)
class Contract:
    """The document that an SDK is generated from."""

    path: Path

    @cached_property
    def document(self) -> dict[str, Any]:
        """Its content."""
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    @property
    def problems(self) -> list[str]:
        """The names of the schemas that are problems: those with one code."""
        schemas = self.document["components"]["schemas"].items()
        return sorted(name for name, schema in schemas if len(_codes(schema)) == 1)

    @property
    def operations(self) -> list[dict[str, Any]]:
        """The operations in the order of the document."""
        items = self.document["paths"].values()
        return [operation for item in items for method, operation in item.items() if method != "parameters"]


def unconditional(contract: Contract, directory: Path) -> Path:
    """Write the contract into `directory` without what only caches need, and return the file.

    The SDKs keep nothing, so they never ask If-None-Match: without 304 each call has one type.
    """
    document = json.loads(contract.path.read_text())
    for item in document["paths"].values():
        for method, operation in item.items():
            if method == "parameters":
                continue
            operation["responses"].pop("304", None)
            parameters = [one for one in operation.get("parameters", []) if one["name"] != "If-None-Match"]
            if parameters:
                operation["parameters"] = parameters
            else:
                operation.pop("parameters", None)
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "contract.json"
    file.write_text(json.dumps(document))
    return file


def _codes(schema: dict[str, Any]) -> list[str]:
    if not {"type", "title", "status", "detail", "code"} <= schema.get("properties", {}).keys():
        return []
    code = schema["properties"]["code"]
    return [code["const"]] if "const" in code else []


def generate_python(contract: Contract, target: Path) -> Path:
    """Generate the Python SDK's project in `target` and return its package; raises ToolFailed, also on a warning."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    file = unconditional(contract, target.parent)
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "uv"),
        *("--path", str(file), "--config", str(PYTHON / "config.yml"), "--output-path", str(target)),
        *("--custom-template-path", str(PYTHON / "templates")),
    ]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # where ruff is, which tidies up
    succeeded(run(command, target.parent, {"PATH": path}))
    shutil.copy(LICENSE, target)
    return target / "ostiary_client"


def build_python(contract: Contract, target: Path) -> list[Path]:
    """Generate and build the Python SDK below `target`; return the wheel and the sdist."""
    project = target / "python"
    generate_python(contract, project)
    succeeded(run([sys.executable, "-m", "build", "--no-isolation", project, "--outdir", target], project))
    return [next(target.glob("ostiary_client-*.whl")), next(target.glob("ostiary_client-*.tar.gz"))]


def generate_typescript(contract: Contract, target: Path) -> None:
    """Generate the TypeScript SDK's project in `target`, not yet compiled; raises ToolFailed."""
    shutil.rmtree(target, ignore_errors=True)
    source = target / "src"
    source.mkdir(parents=True)
    info = contract.document["info"]
    shutil.copy(TYPESCRIPT / "index.ts", source)
    shutil.copy(TYPESCRIPT / "tsconfig.json", target)
    shutil.copy(LICENSE, target)
    package = json.loads((TYPESCRIPT / "package.json").read_text())
    package |= {"version": info["version"], "description": info["summary"]}
    (target / "package.json").write_text(json.dumps(package, indent=2) + "\n")
    calls = "\n".join(
        f"- `ostiary.{_camel(operation['tags'][0])}.{operation['operationId']}()`: {operation['summary']}"
        for operation in contract.operations
    )
    readme = Template((TYPESCRIPT / "README.md").read_text())
    (target / "README.md").write_text(readme.substitute(title=info["title"], version=info["version"], calls=calls))
    (source / "problems.ts").write_text(_problems(contract))
    file = unconditional(contract, target.parent)
    variables = {"CONTRACT": str(file.resolve()), "OUTPUT": str((source / "generated").resolve())}
    succeeded(tool("openapi-ts", "-f", "openapi-ts.config.ts", directory=TYPESCRIPT, variables=variables))


def build_typescript(contract: Contract, target: Path) -> Path:
    """Generate, compile and pack the TypeScript SDK below `target`; return the tarball."""
    project = target / "typescript"
    generate_typescript(contract, project)
    succeeded(tool("tsc", "--project", ".", directory=project))
    packed = json.loads(npm("pack", "--json", "--ignore-scripts", "--pack-destination", target, directory=project))
    return target / str(packed[0]["filename"])


def _camel(words: str) -> str:
    """Return the attribute that a tag becomes: `api keys` is apiKeys."""
    first, *others = words.split()
    return first + "".join(map(str.capitalize, others))


def _problems(contract: Contract) -> str:
    return "\n".join(
        [
            "import type * as types from './generated/types.gen.js';",
            "",
            "/** Every problem that the contract has. */",
            "export type Problem =" + "".join(f"\n  | types.{name}" for name in contract.problems) + ";",
            "",
            "/** The codes by which they are told apart. */",
            "export type ProblemCode = Problem['code'];",
            "",
        ]
    )


def main() -> None:
    """Build both SDKs and print where they are."""
    contract = Contract(Path(sys.argv[1]) if len(sys.argv) > 1 else CONTRACT)
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT
    shutil.rmtree(output, ignore_errors=True)
    for built in [*build_python(contract, output), build_typescript(contract, output)]:
        print(built)


if __name__ == "__main__":
    main()
