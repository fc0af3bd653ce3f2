-- The move that brought this ledger out of a SQLite file; no row in one that began here.
CREATE TABLE arrival (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- As in the file's table `moved`.
    id  TEXT NOT NULL,
    at  BIGINT NOT NULL
);

-- The server as a process saw it last. A standby that took over begins a new timeline.
CREATE TABLE server (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    timeline BIGINT NOT NULL,
    -- 1 where commits waited for a synchronous standby, so that no failover to it loses one.
    waits    BIGINT NOT NULL
);
