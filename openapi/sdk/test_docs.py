"""The programs in docs/sdk.md run as they stand; those in the SDKs' READMEs compile."""

import re
from pathlib import Path

from openapi.node import HERE as OPENAPI
from openapi.processes import succeeded
from openapi.sdk.build import PYTHON, TYPESCRIPT
from openapi.sdk.users import PythonUser, TypeScriptUser

PAGE = OPENAPI.parent / "docs" / "sdk.md"
ADDRESS = "http://127.0.0.1:8000"


def programs(page: Path, language: str, directory: Path, address: str = ADDRESS) -> list[Path]:
    """Write the programs of a page to files, with the address of the server in place of the documented one."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    suffix = {"python": "py", "ts": "ts"}[language]
    written = [directory / f"{page.stem.split('.')[0].lower()}_{number}.{suffix}" for number in range(len(found))]
    for path, text in zip(written, found, strict=True):
        path.write_text(text.replace(ADDRESS, address))
    return written


def test_the_python_programs_compile_and_run(python_user: PythonUser, server: str, tmp_path: Path) -> None:
    found = programs(PAGE, "python", tmp_path, server)
    succeeded(python_user.check(*found, *programs(PYTHON / "templates" / "README.md.jinja", "python", tmp_path)))
    printed = [succeeded(python_user.run(program)) for program in found]
    assert printed[0] == printed[4] == "This is a protected route!\n"
    assert printed[1].startswith("/username ")
    assert printed[1].endswith("needs one of ['admin']\n")
    assert printed[2] == ""  # nobody else was quicker
    assert printed[3] == "user1\n"


def test_the_typescript_programs_compile_and_run(typescript_user: TypeScriptUser, server: str, tmp_path: Path) -> None:
    found = programs(PAGE, "ts", tmp_path, server)
    succeeded(typescript_user.check(*found, *programs(TYPESCRIPT / "README.md", "ts", tmp_path)))
    printed = [succeeded(typescript_user.run(program)) for program in found]
    assert printed[0] == "This is a protected route!\n"
    assert printed[1].startswith("/username: ")
    assert printed[2] == "user1\n"
