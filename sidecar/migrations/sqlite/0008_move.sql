-- The move of this ledger to PostgreSQL: one row from the moment before it becomes final there. Whoever finds it does not
-- use the file any more.
CREATE TABLE moved (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    -- Drawn for this move; stands in PostgreSQL's table `arrival`, too.
    id      TEXT NOT NULL,
    -- Host, port and name of the database, and the schema in it.
    target  TEXT NOT NULL,
    schema  TEXT NOT NULL,
    at      BIGINT NOT NULL,
    -- 1 once it is known that all of it has arrived.
    arrived BIGINT NOT NULL
);
