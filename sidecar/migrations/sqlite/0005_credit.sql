-- What was paid for resources that then failed, after their payments had become final: a replay of the latest proof is
-- served from it. Part of the balance.
ALTER TABLE channels ADD COLUMN credit BLOB NOT NULL DEFAULT X'000000000000000000000000000000000000000000000000';

-- Take-backs since a payment of this channel became final by a later one.
ALTER TABLE channels ADD COLUMN take_backs BIGINT NOT NULL DEFAULT 0;

-- Attempts have more outcomes than before, and a CHECK cannot be altered.
CREATE TABLE attempts_0005 (
    id       BLOB PRIMARY KEY,
    -- keccak-256 of channel, price, balance and signature.
    contents BLOB NOT NULL,
    outcome  TEXT NOT NULL CHECK (outcome IN ('accepted', 'spent', 'taken_back', 'credited', 'kept')),
    at       BIGINT NOT NULL
);

INSERT INTO attempts_0005 (id, contents, outcome, at) SELECT id, contents, outcome, at FROM attempts;

DROP TABLE attempts;

ALTER TABLE attempts_0005 RENAME TO attempts;

CREATE INDEX attempts_by_age ON attempts (at);
