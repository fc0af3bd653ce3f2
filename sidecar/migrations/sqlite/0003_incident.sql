-- A reorganisation of blocks that were believed: one row while it is not over.
CREATE TABLE incident (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    -- The first block that was replaced.
    first_block    BIGINT NOT NULL,
    -- The first block that was not believed before.
    believed_below BIGINT NOT NULL,
    at             BIGINT NOT NULL
);
