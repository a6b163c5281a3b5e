"""(b) The application of the tutorials: Flask-JWT-Extended and Flask-SQLAlchemy, with a table of logged-out tokens.

BENCH_DATA names the directory of its database. `python -m benchmarks.apps.tutorial` makes the tables; then gunicorn
serves `benchmarks.apps.tutorial:create_app()`.
"""

import os
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from flask_jwt_extended import JWTManager, create_access_token, get_jwt, jwt_required
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, String, event, select
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash

from benchmarks.apps import MESSAGE

db = SQLAlchemy()
jwt = JWTManager()


class User(db.Model):  # type: ignore[name-defined, misc]
    """Somebody who may log in."""

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))


class BlockedToken(db.Model):  # type: ignore[name-defined, misc]
    """A token that was logged out."""

    id: Mapped[int] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime)


@jwt.token_in_blocklist_loader
def _is_blocked(_header: dict[str, Any], claims: dict[str, Any]) -> bool:
    return db.session.scalar(select(BlockedToken.id).where(BlockedToken.jti == claims["jti"])) is not None


def _user(username: str) -> User | None:
    return db.session.scalar(select(User).where(User.username == username))


def _configure(connection: Connection, _entry: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")


def create_app() -> Flask:
    """Return the app, with its four calls."""
    app = Flask("tutorial", static_folder=None)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{Path(os.environ['BENCH_DATA']) / 'tutorial.db'}"
    app.config["JWT_SECRET_KEY"] = "for measuring alone, never for anything else"
    db.init_app(app)
    jwt.init_app(app)
    with app.app_context():
        event.listen(db.engine, "connect", _configure)

    @app.post("/register")
    def register() -> ResponseReturnValue:
        body = request.get_json()
        if _user(body["username"]) is not None:
            return jsonify(message="User already exists!"), HTTPStatus.CONFLICT
        db.session.add(User(username=body["username"], password_hash=generate_password_hash(body["password"])))
        db.session.commit()
        return jsonify(message="User registered successfully!"), HTTPStatus.CREATED

    @app.post("/login")
    def login() -> ResponseReturnValue:
        body = request.get_json()
        user = _user(body["username"])
        if user is None or not check_password_hash(user.password_hash, body["password"]):
            return jsonify(message="Invalid credentials!"), HTTPStatus.UNAUTHORIZED
        return jsonify(access_token=create_access_token(identity=str(user.id)))

    @app.get("/protected")
    @jwt_required()
    def protected() -> ResponseReturnValue:
        return jsonify(message=MESSAGE)

    @app.post("/logout")
    @jwt_required()
    def logout() -> ResponseReturnValue:
        db.session.add(BlockedToken(jti=get_jwt()["jti"], created_at=datetime.now(UTC)))  # noqa: TID251
        db.session.commit()
        return jsonify(message="Successfully logged out!")

    return app


def main() -> None:
    """Make the tables."""
    with create_app().app_context():
        db.create_all()


if __name__ == "__main__":
    main()
