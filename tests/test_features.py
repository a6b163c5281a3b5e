"""A feature is one value: features reach each other through few modules, and one can be left out."""

import ast
from pathlib import Path

import pytest

import ostiary
from ostiary.feature import Context, Feature, NoService
from ostiary.features import FEATURES
from ostiary.features.api_keys.feature import FEATURE as API_KEYS
from ostiary.features.api_keys.service import ApiKeys
from tests.conftest import App, MakeApp
from tests.support.people import PASSWORD, register
from tests.support.settings import settings_for

FOLDERS = Path(ostiary.__file__).parent / "features"
OF_OTHERS = {"service", "rules", "store", "management", "problems", "events"}
"""The modules of a feature that other features may import."""
SHARED = {
    "admin.routes": {"accounts.schemas"},  # administrators see the same user as the user does
    "admin.schemas": {"accounts.schemas"},
    "profile.routes": {"accounts.schemas"},
    "profile.schemas": {"accounts.schemas"},
}


def imports_of_other_features(file: Path) -> set[str]:
    """The modules of other features that a module imports, as `accounts.service`."""
    own = file.parent.name
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    found = {tuple(name.split(".")[2:4]) for name in names if name.startswith("ostiary.features.")}
    return {f"{feature}.{module}" for feature, module in found if feature != own}


@pytest.mark.parametrize("file", sorted(FOLDERS.glob("*/*.py")), ids=lambda file: f"{file.parent.name}.{file.stem}")
def test_a_feature_reaches_others_through_few_modules(file: Path) -> None:
    allowed = SHARED.get(f"{file.parent.name}.{file.stem}", set())
    others = imports_of_other_features(file) - allowed
    assert {name for name in others if name.partition(".")[2] not in OF_OTHERS} == set()


def test_every_folder_is_a_feature_with_the_name_of_the_folder() -> None:
    folders = {path.name for path in FOLDERS.iterdir() if (path / "__init__.py").exists()}
    assert {feature.name for feature in FEATURES} == folders


@pytest.fixture
def without_api_keys(make_app: MakeApp, sqlite_url: str) -> App:
    return make_app(sqlite_url, features=[feature for feature in FEATURES if feature is not API_KEYS])


def test_a_feature_can_be_left_out(without_api_keys: App) -> None:
    contract = without_api_keys.client.get("/openapi.json").json
    assert not [path for path in contract["paths"] if "api-keys" in path]
    assert "apiKeyAuth" not in contract["components"]["securitySchemes"]
    assert "apiKeyAuth" not in str([path.get("security") for path in contract["paths"].values()])
    with pytest.raises(NoService, match="no feature provides ApiKeys"):
        without_api_keys.services.get(ApiKeys)


def test_what_is_left_works_without_it(without_api_keys: App) -> None:
    client = without_api_keys.client
    register(without_api_keys, "user1")
    pair = client.post("/login", json={"username": "user1", "password": PASSWORD}).json
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert client.get("/protected", headers=bearer).status_code == 200
    assert client.get("/protected", headers={"Authorization": "Bearer ost_unknown"}).status_code == 401
    assert client.patch("/me", json={"username": "user2"}, headers=bearer).status_code == 200
    assert client.get("/me/api-keys", headers=bearer).status_code == 404


def test_services_that_need_each_other_are_refused(sqlite_app: App, tmp_path: Path, sqlite_url: str) -> None:
    first, second = type("First", (), {}), type("Second", (), {})
    circle = Feature(
        name="circle",
        services={first: lambda context: context.get(second), second: lambda context: context.get(first)},
    )
    context = Context(settings_for(sqlite_url, tmp_path), (circle,))
    with pytest.raises(NoService, match="First -> Second -> First"):
        context.get(first)
    sqlite_app.run(context.stop)
