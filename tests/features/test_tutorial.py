"""The tutorial's four calls, word for word."""

from tests.conftest import App

USER = {"username": "user1", "password": "password123"}


def test_the_four_calls_answer_as_the_tutorial_says(app: App) -> None:
    registered = app.client.post("/register", json=USER)
    assert (registered.status_code, registered.json["message"]) == (201, "User registered successfully!")

    again = app.client.post("/register", json=USER)
    assert (again.status_code, again.json["detail"]) == (409, "User already exists!")

    wrong = app.client.post("/login", json={**USER, "password": "password124"})
    assert (wrong.status_code, wrong.json["detail"]) == (401, "Invalid credentials!")

    logged_in = app.client.post("/login", json=USER)
    assert logged_in.status_code == 200
    bearer = {"Authorization": f"Bearer {logged_in.json['access_token']}"}

    protected = app.client.get("/protected", headers=bearer)
    assert (protected.status_code, protected.json) == (200, {"message": "This is a protected route!"})

    logged_out = app.client.post("/logout", headers=bearer)
    assert (logged_out.status_code, logged_out.json) == (200, {"message": "Successfully logged out!"})

    refused = app.client.get("/protected", headers=bearer)
    assert (refused.status_code, refused.json["code"]) == (401, "invalid_token")
