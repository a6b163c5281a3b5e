"""The wheel as a user installs it, beside packages of their own that are called `api` and `contract_tests`."""

import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.servers import ServerProcess, environment_without_settings

pytestmark = pytest.mark.uncounted  # whatever runs here is a process of its own

ROOT = Path(__file__).parents[1]
THEIRS = ("api", "contract_tests")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the source tree, by the backend that pyproject.toml names."""
    directory = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    subprocess.run(build, cwd=ROOT, env=environment(), check=True, capture_output=True)
    (built,) = directory.glob("*.whl")
    return built


@dataclass
class Installed:
    """A virtual environment that holds the wheel, and a folder that holds the user's own packages."""

    directory: Path
    folder: Path

    @property
    def packages(self) -> Path:
        (found,) = self.directory.glob("lib/python*/site-packages")
        return found

    @property
    def command(self) -> str:
        return str(self.directory / "bin" / "ostiary")

    def run(self, *command: str) -> str:
        ran = subprocess.run(
            command, cwd=self.folder, env=environment(), check=False, capture_output=True, text=True, timeout=600
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


def environment() -> dict[str, str]:
    """This process's environment, without what would lead Python past the installed wheel."""
    return {name: value for name, value in environment_without_settings().items() if name != "PYTHONPATH"}


def write_packages(directory: Path) -> dict[Path, str]:
    """Write the user's packages; importing one of them by mistake ends the process that does so."""
    texts = {directory / name / "__init__.py": f'raise SystemExit("{name} was imported")\n' for name in THEIRS}
    for file, text in texts.items():
        file.parent.mkdir()
        file.write_text(text)
    return texts


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, symlinks=True, with_pip=False)
    made = Installed(directory, tmp_path_factory.mktemp("folder"))
    texts = write_packages(made.packages)
    python = str(directory / "bin" / "python")
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    made.run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, *install)
    assert {file: file.read_text() for file in texts} == texts
    for name in THEIRS:
        assert [file.name for file in (made.packages / name).iterdir()] == ["__init__.py"]
    # The dependencies are those of the environment in which the tests run.
    dependencies = [entry for entry in sys.path if entry.endswith("site-packages")]
    (made.packages / "dependencies.pth").write_text("\n".join(dependencies))
    write_packages(made.folder)
    return made


def test_the_wheel_holds_one_package_and_the_contract_tests_inside_it(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"ostiary"}
    assert {"ostiary/contract_tests/__main__.py", "ostiary/contract_tests/pytest.ini", "ostiary/py.typed"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_the_installed_package_is_the_one_that_is_imported(installed: Installed) -> None:
    python = str(installed.directory / "bin" / "python")
    found = installed.run(python, "-P", "-c", "import ostiary; print(ostiary.__file__)")
    assert Path(found.strip()) == installed.packages / "ostiary" / "__init__.py"


@pytest.fixture
def server(installed: Installed) -> Iterator[ServerProcess]:
    process = subprocess.Popen(
        [installed.command, "serve"],
        cwd=installed.folder,
        env={**environment(), "OSTIARY_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    server = ServerProcess(process)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


def test_it_serves_and_tests_from_a_folder_that_holds_packages_of_those_names(
    installed: Installed, server: ServerProcess
) -> None:
    assert "Compare a deployment of Ostiary" in installed.run(installed.command, "contract-test", "--help")
    found = installed.run(
        *(installed.command, "contract-test", f"--url={server.url}", "--max-examples=1", "--report-dir=report"),
        *("--", "-k", "test_bad_requests", "-q"),
    )
    assert " passed" in found
