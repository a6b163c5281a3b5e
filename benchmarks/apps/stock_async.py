"""(c) Stock `Flask[async]` with a view that does the work of Ostiary's `GET /protected`.

An ES256 token is verified, then one indexed query goes through SQLAlchemy's async engine and aiosqlite. Flask runs each
call of the coroutine on an event loop of its own, hence NullPool: a pooled connection belongs to
the loop that opened it. BENCH_DATA names the directory of its files. `python -m benchmarks.apps.stock_async` makes them
and prints a token; then gunicorn serves `benchmarks.apps.stock_async:create_app()`.
"""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Column, DateTime, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from benchmarks.apps import MESSAGE

ISSUER = "http://127.0.0.1"
LIFETIME = timedelta(minutes=15)
REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti", "sid"]

metadata = MetaData()
sessions = Table("sessions", metadata, Column("id", String, primary_key=True), Column("ended_at", DateTime))


def _data() -> Path:
    return Path(os.environ["BENCH_DATA"])


def _engine() -> AsyncEngine:
    return create_async_engine(f"sqlite+aiosqlite:///{_data() / 'stock.db'}", poolclass=NullPool)


def create_app() -> Flask:
    """Return the app, with `GET /protected`."""
    app = Flask("stock", static_folder=None)
    engine = _engine()
    key = serialization.load_pem_public_key((_data() / "stock.pem").read_bytes())
    assert isinstance(key, ec.EllipticCurvePublicKey)

    @app.get("/protected")
    async def protected() -> ResponseReturnValue:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                token, key, algorithms=["ES256"], issuer=ISSUER, audience=ISSUER, options={"require": REQUIRED}
            )
        except jwt.PyJWTError:
            return jsonify(message="invalid token"), 401
        async with engine.connect() as connection:
            query = select(sessions.c.id).where(sessions.c.id == claims["sid"], sessions.c.ended_at.is_(None))
            if (await connection.execute(query)).first() is None:
                return jsonify(message="logged out"), 401
        return jsonify(message=MESSAGE)

    return app


async def prepare() -> str:
    """Make a key, and a database with one session; return a token of that session, good for 15 minutes."""
    key = ec.generate_private_key(ec.SECP256R1())
    (_data() / "stock.pem").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    engine = _engine()
    async with engine.begin() as connection:
        await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(sessions).values(id="session-1"))
    await engine.dispose()
    now = datetime.now(UTC)  # noqa: TID251
    claims = {"iss": ISSUER, "aud": ISSUER, "sub": "user-1", "iat": now, "exp": now + LIFETIME, "jti": "token-1"}
    return jwt.encode(claims | {"sid": "session-1"}, key, "ES256")


def main() -> None:
    """Make the files and print the token."""
    print(asyncio.run(prepare()))


if __name__ == "__main__":
    main()
