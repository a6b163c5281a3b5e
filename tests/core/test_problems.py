"""Problems: one code each, exactly the declared members, what is sent."""

import pytest

from ostiary.core.problems import (
    CATALOGUE,
    INSUFFICIENT_ROLE,
    INVALID_TOKEN,
    NOT_FOUND,
    OVERLOADED,
    Problem,
    ProblemType,
)


@pytest.fixture
def kind() -> ProblemType:
    return ProblemType("tests_only", 418, "A title", "A detail.", "A remedy.", members={"cup": {"type": "string"}})


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = dict(CATALOGUE)
    monkeypatch.setattr("ostiary.core.problems.CATALOGUE", kept)


def test_a_code_cannot_be_declared_twice_with_different_meanings() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        ProblemType(NOT_FOUND.code, 410, "Gone", "Gone.", "None.")


def test_importing_the_same_declaration_again_is_harmless(kind: ProblemType) -> None:
    again = ProblemType("tests_only", 418, "A title", "A detail.", "A remedy.", members={"cup": {"type": "string"}})
    assert again == kind


@pytest.mark.parametrize("code", ["", "Upper", "1st", "_x", "with-dash", "with space", "trailing\n", "x" * 65])
def test_a_code_is_snake_case(code: str) -> None:
    with pytest.raises(ValueError, match="snake_case"):
        ProblemType(code, 400, "", "", "")


@pytest.mark.parametrize("members", [{}, {"cup": "x", "saucer": "y"}, {"saucer": "y"}])
def test_an_occurrence_takes_exactly_the_declared_members(kind: ProblemType, members: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="tests_only takes the members"):
        kind(**members)


def test_the_body_has_the_members_of_rfc_9457_and_the_code(kind: ProblemType) -> None:
    assert kind(cup="small").body() == {
        "type": "/problems/tests_only",
        "title": "A title",
        "status": 418,
        "detail": "A detail.",
        "code": "tests_only",
        "cup": "small",
    }


def test_a_detail_can_be_given_for_one_occurrence(kind: ProblemType) -> None:
    problem = kind("Another detail.", cup="x")
    assert problem.body()["detail"] == "Another detail."
    assert str(problem) == "tests_only: Another detail."
    assert kind(cup="x").body()["detail"] == "A detail."


def test_the_headers_carry_the_challenge_and_the_time_to_wait() -> None:
    assert NOT_FOUND().headers() == {}
    assert OVERLOADED().headers() == {"Retry-After": "1"}
    assert INVALID_TOKEN().headers()["WWW-Authenticate"].startswith('Bearer realm="ostiary", error="invalid_token"')
    assert INVALID_TOKEN(challenge="Bearer x").headers() == {"WWW-Authenticate": "Bearer x"}


def test_a_problem_without_members_has_none() -> None:
    assert Problem(NOT_FOUND, "Nothing.").members == {}


def test_every_declared_example_fits_its_members() -> None:
    for declared in CATALOGUE.values():
        assert declared(**declared.example).body()["code"] == declared.code


def test_names_follow_from_the_code() -> None:
    assert (INSUFFICIENT_ROLE.uri, INSUFFICIENT_ROLE.schema_name) == (
        "/problems/insufficient_role",
        "InsufficientRoleProblem",
    )
