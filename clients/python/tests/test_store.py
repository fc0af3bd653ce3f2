"""The state file: durable, shared, and nobody else's."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from uraiden.error import SpendAboveLimit, StateError
from uraiden.proof import ChannelId
from uraiden.state import ChannelState, Status
from uraiden.store import Store, default_path
from uraiden.values import Address, address

A, B = address("0x" + "0a" * 20), address("0x" + "0b" * 20)


def state(open_block: int = 7, receiver: Address = B) -> ChannelState:
    """A channel."""
    id_ = ChannelId("1:00", A, receiver, A, open_block)
    return ChannelState(id_, deposit=2**192 - 1, balance=5, signed=5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty one."""
    return Store(tmp_path / "folder/state.db")


def test_what_was_saved_is_there_in_the_next_process(store: Store) -> None:
    saved = replace(state(), pending=9, signed=9, gateway="http://x", status=Status.CLOSING)
    store.save(state())
    store.save(saved)
    store.save(state(8))
    store.save(state(9, receiver=A))
    again = Store(store.path)
    assert again.channels_to(saved.payee) == [state(8), saved], "newest first"
    assert len(again.channels("1:00", A, A)) == 3
    assert again.channels("2:00", A, A) == []
    assert again.channels("1:00", B, A) == []


def test_what_is_unknown_is_not_0(store: Store) -> None:
    store.save(replace(state(), balance=None))
    (found,) = store.channels_to(state().payee)
    assert found.balance is None


def test_a_spending_is_kept_with_its_state_or_not_at_all(store: Store) -> None:
    store.spend(replace(state(), signed=10), 10, "2030-01-01", 15)
    with pytest.raises(SpendAboveLimit, match="10 are spent, and 6 more"):
        store.spend(replace(state(), signed=16), 6, "2030-01-01", 15)
    (found,) = store.channels_to(state().payee)
    assert found.signed == 10
    assert store.spent("2030-01-01", "1:00", A, A) == 10
    store.spend(replace(state(), signed=16), 6, "2030-01-02", 15)
    assert store.spent("2030-01-02", "1:00", A, A) == 6
    store.spend(replace(state(), signed=16), 0, "2030-01-02", 1)


def test_a_deposit_on_its_way_is_remembered(store: Store) -> None:
    payee = state().payee
    assert store.deposit_sent(payee) is None
    store.note_deposit(payee, "0x12")
    assert Store(store.path).deposit_sent(payee) == "0x12"
    store.forget_deposit(payee)
    assert store.deposit_sent(payee) is None


def test_a_payee_is_locked_for_threads_and_processes(store: Store) -> None:
    payee = state().payee
    lease = store.try_lock(payee)
    assert lease is not None
    assert store.try_lock(payee) is None
    assert Store(store.path).try_lock(payee) is None
    other = store.try_lock(replace(payee, receiver=A))
    assert other is not None
    script = f"""
from uraiden.store import Store
from uraiden.state import Payee
print(Store({str(store.path)!r}).try_lock({payee!r}) is None)
"""
    assert _python(script) == "True\n"
    lease.release()
    assert _python(script) == "False\n"
    again = store.try_lock(payee)
    assert again is not None
    again.release()
    other.release()


def test_a_lock_ends_with_its_process(store: Store) -> None:
    payee = state().payee
    script = f"""
import os, signal
from uraiden.store import Store
from uraiden.state import Payee
lease = Store({str(store.path)!r}).try_lock({payee!r})
assert lease is not None
os.kill(os.getpid(), signal.SIGKILL)
"""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _python(script)
    assert caught.value.returncode == -signal.SIGKILL
    lease = store.try_lock(payee)
    assert lease is not None
    lease.release()


def test_what_was_saved_outlives_a_kill(store: Store) -> None:
    script = f"""
import os, signal
from uraiden.store import Store
from tests.test_store import state
from dataclasses import replace
store = Store({str(store.path)!r})
for n in range(50):
    store.save(replace(state(), pending=100 + n, signed=100 + n), durable=n % 2 == 0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with pytest.raises(subprocess.CalledProcessError):
        _python(script)
    (found,) = store.channels_to(state().payee)
    assert (found.pending, found.signed) == (149, 149)


def test_a_saved_state_waits_for_the_disk(store: Store) -> None:
    """SQLite does, where it is told to: before the proof leaves, and not after the answer came."""
    script = f"""
from uraiden.store import Store
from tests.test_store import state
store = Store({str(store.path)!r})
store.save(state(1), durable={{durable}})
"""
    modes = {}
    for durable in (True, False):
        text = script.format(durable=durable).replace("store.save", "TRACE\nstore.save")
        probe = "store._database.set_trace_callback(print)"
        modes[durable] = _python(text.replace("TRACE", probe))
    assert "PRAGMA synchronous = FULL" in modes[True]
    assert "PRAGMA synchronous = NORMAL" in modes[False]


def test_threads_and_forks_share_a_store(store: Store) -> None:
    def save(first: int) -> None:
        for n in range(20):
            store.save(state(first + n))

    threads = [threading.Thread(target=save, args=(100 * n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ours = store._database
    pid = os.fork()
    if pid == 0:
        store.save(state(999))
        # SQLite forbids to use a connection of the other side.
        os._exit(int(store._database is ours))
    _, status = os.waitpid(pid, 0)
    assert status == 0
    store.save(state(998))
    assert len(store.channels_to(state().payee)) == 82


def test_nobody_else_may_read_it(store: Store) -> None:
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("This is no database, and long enough to be sure of that." * 10)
    with pytest.raises(StateError, match=r"file is not a database"):
        Store(text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE t (a)")
    database.close()
    with pytest.raises(StateError, match="another program"):
        Store(other)
    assert text.read_text().startswith("This is")


def test_a_newer_file_is_refused(store: Store) -> None:
    store.close()
    with sqlite3.connect(store.path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(StateError, match="made by version 2, this one reads 1"):
        Store(store.path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"file/state\.db"):
        Store(tmp_path / "file/state.db")


def test_the_usual_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("URAIDEN_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "uraiden/channels.db"
    monkeypatch.setenv("URAIDEN_STATE", "mine.db")
    assert default_path() == Path("mine.db")


def _python(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout
