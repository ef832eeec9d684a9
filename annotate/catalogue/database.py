"""The connection to the in-house database: opened safely, migrated, with one writer at a time."""

from __future__ import annotations

import io
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from ..errors import CatalogueError
from ..system.clock import utc_now
from ..system.platform import is_network_share
from ..system.store import BlobStore
from . import tables as t
from .journal import Journal
from .side_files import mend_side_files
from .sqlite import configure, told_mode

MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 10_000
AT_ONCE: Final = 500  # values in one IN (...), well under every database's limit
_REBUILD: Final = "Make it anew from store/ with `dmr db rebuild`, or restore a backup"
_WRITER = 0x646D72  # "dmr": PostgreSQL's advisory lock that lets one writer in


class Database:
    """An open database to read, and to write in transactions. Threads must not share it.

    Use `Catalogue`, which adds the queries.
    """

    def __init__(self, engine: Engine, *, store: BlobStore, is_copy: bool = False) -> None:
        self._engine = engine
        self._connection: Connection | None = None  # the connection of the open transaction
        self.store = store
        keeps_journal = engine.dialect.name == "sqlite" and not is_copy
        self.journal = Journal(store.root / "journal") if keeps_journal else None

    @classmethod
    def exists(cls, target: str | Path) -> bool:
        """Whether a catalogue exists. An empty file or database is not one yet."""
        database = cls(_engine(target), store=BlobStore(Path()))
        if isinstance(target, Path) and not target.is_file():  # because connecting would make the file
            return False
        try:
            with database.reading() as connection:
                return _version(connection) is not None
        finally:
            database.close()

    @classmethod
    def create(cls, target: str | Path, *, store: BlobStore, key_id: str) -> Self:
        """Make the tables in a new or empty database, with a new workspace id.

        Args:
            target: Path of an SQLite file, or a URL for SQLAlchemy.
            store: The store for the revisions' blobs.
            key_id: Id of the key that its pseudonyms are made with.

        Raises:
            CatalogueError: The database is not empty, or cannot be written.
        """
        database = cls(_engine(target), store=store)
        with database._closed_on_error():
            with database.transaction() as connection:
                if sa.inspect(connection).has_table("alembic_version"):
                    raise CatalogueError(database.name, "is a catalogue already", "Open it instead")
                _migrate(connection)
                rows = {"workspace_id": uuid.uuid4().hex, "key_id": key_id, "created_at": utc_now()}
                connection.execute(sa.insert(t.meta), [{"key": k, "value": v} for k, v in rows.items()])
            return database

    @classmethod
    def open(cls, target: str | Path, *, store: BlobStore, is_copy: bool = False) -> Self:
        """Open an existing database, and bring an older one up to date.

        Args:
            target: Path of an SQLite file, or SQLAlchemy's URL.
            store: Where the revisions' blobs lie.
            is_copy: It is a copy to look at, whose changes are no facts: no journal is kept of them.

        Raises:
            CatalogueError: It is missing, damaged, newer than this program, or on a network share.
        """
        if isinstance(target, Path) and not target.is_file():
            raise CatalogueError(target.name, "is missing", _REBUILD)
        database = cls(_engine(target), store=store, is_copy=is_copy)
        with database._closed_on_error():
            database._bring_up_to_date()
            return database

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Its name in errors: the file's name, or the URL without password."""
        url = self._engine.url
        return Path(url.database or "").name if url.get_backend_name() == "sqlite" else url.render_as_string()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One commit for all that happens within. If an error leaves it, nothing of it is kept.

        Only one process is inside at a time; others wait some seconds. An inner transaction joins the outer one.

        Raises:
            CatalogueError: Other processes wrote all the time, the disk is full, or the database is damaged.
        """
        if self._connection is not None:
            yield self._connection
            return
        with self._errors_told(), self._connected(dmr_write=True) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER)))
            with self._journaled(connection):
                self._connection = connection
                try:
                    yield connection
                finally:
                    self._connection = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database throughout. In an open transaction, it is that one's."""
        if self._connection is not None:
            yield self._connection
            return
        # SQLite reads one state by itself.
        options = {"isolation_level": "REPEATABLE READ"} if self._engine.dialect.name == "postgresql" else {}
        with self._errors_told(), self._connected(**options) as connection:
            yield connection

    def meta(self, key: str) -> str:
        """A fact about the workspace: `workspace_id`, `key_id` or `created_at`."""
        with self.reading() as connection:
            value = connection.scalar(sa.select(t.meta.c.value).where(t.meta.c.key == key))
        if value is None:
            raise CatalogueError(self.name, f"has lost its {key}", "Restore it from a backup")
        return str(value)

    def _bring_up_to_date(self) -> None:
        with self.reading() as connection:
            version = _version(connection)
        if version == t.SCHEMA:
            return
        if version is None:
            raise CatalogueError(self.name, "is no catalogue of dmr", _REBUILD)
        if version > t.SCHEMA:
            what = f"has schema {version}, and this dmr knows no newer one than {t.SCHEMA}"
            raise CatalogueError(self.name, what, "Install a newer dmr")
        with self.transaction() as connection:
            _migrate(connection)

    def written_mode(self) -> str:
        """Which journal the database keeps and why, in words; empty where it is not SQLite's affair."""
        if self._engine.dialect.name != "sqlite":
            return ""
        with self.reading() as connection:
            return told_mode(connection)

    @contextmanager
    def _journaled(self, connection: Connection) -> Iterator[None]:
        """Keep what changes within in the journal: on the disk before the commit."""
        if self.journal is None:
            yield
            return
        self.journal.begin(connection)
        yield
        try:
            self.journal.commit(connection)
        except OSError as error:
            what = f"cannot be written ({error.strerror})"
            raise CatalogueError("store/journal", what, "See to the disk and try again; nothing was changed") from error

    @contextmanager
    def _connected(self, **options: Any) -> Iterator[Connection]:
        with self._engine.execution_options(**options).connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DatabaseError as error:
            statement_is_wrong = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
            if type(error) not in (sa.exc.OperationalError, sa.exc.DatabaseError) or statement_is_wrong:
                raise  # a bug, which keeps its traceback
            raise CatalogueError(self.name, *_told(str(error.orig).splitlines()[0])) from error


def schema_sql(dialect: str) -> str:
    """The SQL that makes the tables in `postgresql` or `sqlite`, for an administrator to read."""
    from alembic import command

    config = _alembic()
    config.output_buffer = buffer = io.StringIO()
    config.set_main_option("sqlalchemy.url", f"{dialect}://")
    command.upgrade(config, "head", sql=True)
    return buffer.getvalue()


def _engine(target: str | Path) -> Engine:
    url = URL.create("sqlite", database=str(target)) if isinstance(target, Path) else sa.make_url(target)
    try:
        # Parameters hold outlines and pseudonyms, which must not go into errors and logs.
        engine = sa.create_engine(url, hide_parameters=True)
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        name = url.render_as_string()
        raise CatalogueError(name, f"no driver for it: {error}", "Install it, such as `pip install psycopg`") from None
    if url.get_backend_name() == "sqlite":
        if url.database and is_network_share(Path(url.database)):
            what = "lies on a network share, where SQLite can lose what it has saved"
            remedy = "Move the workspace to a local disk, or set [catalogue] url to a PostgreSQL server"
            raise CatalogueError(Path(url.database).name, what, remedy)
        if url.database:
            mend_side_files(Path(url.database))
        configure(engine, busy_ms=_BUSY_MS)
    return engine


def _told(message: str) -> tuple[str, str]:
    """What is wrong and what to do, for a message of the database."""
    if "locked" in message or "busy" in message:
        return "another process has been writing all the time", "Wait for it to finish and try again"
    if "malformed" in message or "not a database" in message:
        return f"is damaged ({message})", _REBUILD
    return f"the database refuses: {message}", "Check the disk or server and try again; nothing was changed"


def _alembic() -> Any:
    from alembic.config import Config  # slow to import, and needed only where the schema changes

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _migrate(connection: Connection, schema: str = "head") -> None:
    from alembic import command
    from alembic.util import CommandError

    config = _alembic()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, schema)
    except (CommandError, sa.exc.OperationalError) as error:
        what = f"cannot be brought up to date: {str(error).splitlines()[0]}"
        raise CatalogueError("catalogue", what, "Look for what is wrong: `dmr db verify`") from error


def make_tables(path: Path, *, schema: str) -> None:
    """Make the empty tables of a schema in a new SQLite file."""
    engine = _engine(path)
    try:
        with engine.connect() as connection, connection.begin():
            _migrate(connection, schema)
    finally:
        engine.dispose()


def _version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if version is None else str(version)
