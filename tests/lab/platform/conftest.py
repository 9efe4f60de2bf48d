"""One PostgreSQL for all tests of the platform; a database and an application for each module."""

import psycopg
import pytest
from servers import Application, Postgres, as_postgres, postgres_tool

from lab.platform.dpi.fill import fill


@pytest.fixture(scope="session")
def postgres():
    if postgres_tool("initdb") is None:
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    with as_postgres() as (folder, prefix):
        server = Postgres(folder, prefix)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def conninfo(postgres, request):
    """A database of its own, filled with three hundred patients."""
    name = request.module.__name__.rpartition(".")[2]
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    told = f"host={postgres.folder} user=postgres dbname={name}"
    with psycopg.connect(told) as connection:
        fill(connection, "CA", 300)
    return told


@pytest.fixture(scope="module")
def app(conninfo):
    application = Application(conninfo)
    application.start()
    yield application
    application.kill()
