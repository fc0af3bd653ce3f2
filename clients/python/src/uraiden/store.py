"""Where channels outlive their process: one SQLite file that several processes may share."""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from filelock import FileLock, Timeout

from uraiden.error import SpendAboveLimit, StateError
from uraiden.proof import ChannelId
from uraiden.state import ChannelState, Payee, Status
from uraiden.values import Address, TokenAmount

# "uRdn": tells our files from other databases.
_APPLICATION_ID: Final = 0x7552646E
_VERSION: Final = 1

# Amounts have up to 192 bits and are kept as decimal text.
_SCHEMA: Final = f"""
CREATE TABLE channel (
    chain TEXT NOT NULL, contract TEXT NOT NULL, receiver TEXT NOT NULL, sender TEXT NOT NULL,
    open_block INTEGER NOT NULL,
    deposit TEXT NOT NULL, balance TEXT, pending TEXT, signed TEXT NOT NULL,
    status TEXT NOT NULL, gateway TEXT,
    PRIMARY KEY (chain, contract, receiver, sender, open_block)
) STRICT;
CREATE TABLE spent (
    day TEXT NOT NULL, chain TEXT NOT NULL, contract TEXT NOT NULL, sender TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (day, chain, contract, sender)
) STRICT;
CREATE TABLE deposit_sent (
    chain TEXT NOT NULL, contract TEXT NOT NULL, receiver TEXT NOT NULL, sender TEXT NOT NULL,
    tx TEXT NOT NULL,
    PRIMARY KEY (chain, contract, receiver, sender)
) STRICT;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
"""

_KEY: Final = "chain = ? AND contract = ? AND receiver = ? AND sender = ?"


class Lease(Protocol):
    """The sole right to pay somebody. Ends with `release`, and with the process."""

    def release(self) -> None:
        """Gives the right back."""


def default_path() -> Path:
    """`$URAIDEN_STATE`, else `uraiden/channels.db` in the user's folder for states (XDG)."""
    given = os.environ.get("URAIDEN_STATE")
    if given:
        return Path(given)
    folder = os.environ.get("XDG_STATE_HOME")
    return (Path(folder) if folder else Path.home() / ".local/state") / "uraiden/channels.db"


class _FileLease:
    """A locked file."""

    def __init__(self, lock: FileLock, released: Callable[[], None]) -> None:
        self._lock = lock
        self._released = released

    def release(self) -> None:
        self._lock.release()
        self._released()


class Store:
    """One state file. Safe for threads, and for processes that share it.

    Raises `StateError` where the file cannot be used, now or at any later call.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else default_path()
        self._mutex = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._inherited: sqlite3.Connection | None = None
        self._process = 0
        self._names: set[str] = set()
        self._names_process = os.getpid()
        self._names_mutex = threading.Lock()
        with self._open():
            pass

    # === Who may pay

    def try_lock(self, payee: Payee) -> Lease | None:
        """The sole right to pay somebody, if nobody has it: neither a thread nor a process."""
        return self._lock("\0".join((payee.chain, payee.contract, payee.receiver, payee.sender)))

    def try_lock_account(self, chain: str, sender: Address) -> Lease | None:
        """The sole right to send transactions as `sender`."""
        return self._lock("\0".join((chain, sender)))

    def _lock(self, name: str) -> Lease | None:
        # Those of this process need not ask the file system whether one of them has it.
        with self._names_mutex:
            if self._names_process != os.getpid():
                # Those of the other side of a fork do not count here.
                self._names, self._names_process = set(), os.getpid()
            if name in self._names:
                return None
            self._names.add(name)
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        lock = FileLock(f"{self.path}.{digest}.lock", thread_local=False)
        try:
            lock.acquire(blocking=False)
        except BaseException as error:
            self._forget_name(name)
            if isinstance(error, Timeout):
                return None
            if isinstance(error, OSError):
                raise StateError(lock.lock_file, str(error)) from error
            raise
        return _FileLease(lock, lambda: self._forget_name(name))

    def _forget_name(self, name: str) -> None:
        with self._names_mutex:
            self._names.discard(name)

    # === Channels

    def channels(self, chain: str, contract: Address, sender: Address) -> list[ChannelState]:
        """All channels of an account, newest first, settled ones included."""
        where = "chain = ? AND contract = ? AND sender = ?"
        return self._select(where, (chain, contract, sender))

    def channels_to(self, payee: Payee) -> list[ChannelState]:
        """All channels that were opened to somebody, newest first, settled ones included."""
        return self._select(_KEY, _key(payee))

    def _select(self, where: str, values: tuple[str, ...]) -> list[ChannelState]:
        query = (
            "SELECT chain, contract, receiver, sender, open_block, deposit, balance, pending, "
            f"signed, status, gateway FROM channel WHERE {where} ORDER BY open_block DESC"
        )
        with self._open() as database:
            return [_state(row) for row in database.execute(query, values)]

    def save(self, state: ChannelState, *, durable: bool = True) -> None:
        """Keeps this state in place of the last one.

        `durable` waits for the disk. Without it a power cut may bring the last state back, a crash
        of the process never does.
        """
        with self._transaction(durable) as database:
            _write(database, state)

    def spend(
        self, state: ChannelState, amount: TokenAmount, day: str, limit: TokenAmount | None
    ) -> None:
        """Keeps a state that spends `amount` more, durably: both or neither.

        Raises `SpendAboveLimit` where the day's sum would pass the limit.
        """
        owner = (day, state.id.chain, state.id.contract, state.id.sender)
        with self._transaction(durable=True) as database:
            spent = _spent(database, owner)
            if limit is not None and amount and spent + amount > limit:
                raise SpendAboveLimit("max_spend_per_day", spent, amount, limit)
            _write(database, state)
            if amount:
                row = (*owner, str(spent + amount))
                database.execute("INSERT OR REPLACE INTO spent VALUES (?, ?, ?, ?, ?)", row)

    def spent(self, day: str, chain: str, contract: Address, sender: Address) -> TokenAmount:
        """What an account has spent in a day."""
        with self._open() as database:
            return _spent(database, (day, chain, contract, sender))

    # === Deposits on their way

    def deposit_sent(self, payee: Payee) -> str | None:
        """The transaction of a deposit that is not known to be mined yet."""
        query = f"SELECT tx FROM deposit_sent WHERE {_KEY}"
        with self._open() as database:
            row = database.execute(query, _key(payee)).fetchone()
        return None if row is None else str(row[0])

    def note_deposit(self, payee: Payee, transaction: str) -> None:
        """Remembers a transaction before it is sent."""
        with self._transaction(durable=True) as database:
            row = (*_key(payee), transaction)
            database.execute("INSERT OR REPLACE INTO deposit_sent VALUES (?, ?, ?, ?, ?)", row)

    def forget_deposit(self, payee: Payee) -> None:
        """The transaction's fate is known, and so is what it changed."""
        with self._transaction(durable=True) as database:
            database.execute(f"DELETE FROM deposit_sent WHERE {_KEY}", _key(payee))

    # === The database

    @contextmanager
    def _transaction(self, durable: bool) -> Iterator[sqlite3.Connection]:
        with self._open() as database:
            database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                if self._database is None or self._process != os.getpid():
                    # SQLite's connections must neither be used nor closed on the other side of a
                    # fork.
                    self._inherited = self._database
                    self._database = self._connect()
                    self._process = os.getpid()
                yield self._database
            except (sqlite3.Error, OSError) as error:
                raise StateError(str(self.path), str(error)) from error

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # It says whom its owner pays and how much: nobody else's business.
        self.path.touch(mode=0o600, exist_ok=True)
        database = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False
        )
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN IMMEDIATE")
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if (application, version, tables) == (0, 0, 0):
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
        database.execute("COMMIT")
        if tables and application != _APPLICATION_ID:
            raise StateError(str(self.path), "a database of another program; name another file")
        if tables and version != _VERSION:
            raise StateError(
                str(self.path), f"made by version {version}, this one reads {_VERSION}; upgrade"
            )
        return database

    def close(self) -> None:
        """Closes the file. A later call opens it again."""
        with self._mutex:
            if self._database is not None and self._process == os.getpid():
                self._database.close()
            self._database = None


def _key(payee: Payee) -> tuple[str, str, str, str]:
    return (payee.chain, payee.contract, payee.receiver, payee.sender)


def _spent(database: sqlite3.Connection, owner: tuple[str, str, str, str]) -> TokenAmount:
    query = "SELECT amount FROM spent WHERE day = ? AND chain = ? AND contract = ? AND sender = ?"
    row = database.execute(query, owner).fetchone()
    return 0 if row is None else int(row[0])


def _write(database: sqlite3.Connection, state: ChannelState) -> None:
    def text(value: TokenAmount | None) -> str | None:
        return None if value is None else str(value)

    row = (
        *_key(state.payee),
        state.id.open_block,
        text(state.deposit),
        text(state.balance),
        text(state.pending),
        text(state.signed),
        state.status.value,
        state.gateway,
    )
    database.execute(f"INSERT OR REPLACE INTO channel VALUES ({', '.join('?' * len(row))})", row)


_Row = tuple[str, str, str, str, int, str, str | None, str | None, str, str, str | None]


def _state(row: _Row) -> ChannelState:
    chain, contract, receiver, sender, open_block = row[:5]
    deposit, balance, pending, signed, status, gateway = row[5:]
    return ChannelState(
        id=ChannelId(chain, Address(contract), Address(receiver), Address(sender), open_block),
        deposit=int(deposit),
        balance=None if balance is None else int(balance),
        pending=None if pending is None else int(pending),
        signed=int(signed),
        status=Status(status),
        gateway=gateway,
    )
