-- Amounts are 24 bytes, big-endian, so that the order of the bytes is the order of the numbers. Addresses are 20
-- bytes, hashes 32, signatures 65, attempt ids 16. Times are milliseconds since 1970.

-- Whose ledger this is: one row, written when the node was first reached, never changed after.
CREATE TABLE ledger (
    one              INTEGER PRIMARY KEY CHECK (one = 1),
    id               TEXT NOT NULL,
    generation       BIGINT NOT NULL,
    chain_id         BIGINT NOT NULL,
    genesis          BLOB NOT NULL,
    contract         BLOB NOT NULL,
    code_hash        BLOB NOT NULL,
    token            BLOB NOT NULL,
    receiver         BLOB NOT NULL,
    challenge_period BIGINT NOT NULL
);

-- How far the chain was read: one row.
CREATE TABLE position (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    start_block     BIGINT NOT NULL,
    -- The first block that was not read yet.
    next_block      BIGINT NOT NULL,
    -- The first block whose events are not believed yet.
    confirmed_below BIGINT NOT NULL
);

-- The hashes of the last blocks that were read, by which a reorganisation is noticed.
CREATE TABLE blocks (
    number BIGINT PRIMARY KEY,
    hash   BLOB NOT NULL
);

-- What the chain said of our channels. A reorganisation removes rows.
CREATE TABLE events (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    block_hash   BLOB NOT NULL,
    tx_hash      BLOB NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('opened', 'topped_up', 'close_requested', 'settled', 'withdrawn')),
    sender       BLOB NOT NULL,
    open_block   BIGINT NOT NULL,
    amount       BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
);

CREATE INDEX events_by_channel ON events (sender, open_block);

-- One row a channel, never deleted: what a sender signed outlives settlements and reorganisations.
CREATE TABLE channels (
    sender            BLOB NOT NULL,
    open_block        BIGINT NOT NULL,
    -- What the chain says: always the fold of the channel's confirmed events.
    chain_state       TEXT NOT NULL CHECK (chain_state IN ('absent', 'unconfirmed', 'open', 'closing', 'settled')),
    deposit           BLOB NOT NULL,
    withdrawn         BLOB NOT NULL,
    -- The last block of the challenge period; NULL where nobody asked to close.
    settle_block      BIGINT,
    -- What the sender signed.
    balance           BLOB NOT NULL,
    signature         BLOB,
    -- The attempt that made the topmost payment, and what was held before it; NULL once that payment is final.
    undo_attempt      BLOB,
    undo_balance      BLOB,
    undo_signature    BLOB,
    -- The balance of the closing agreement. Once set, never changed.
    closing_balance   BLOB,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    PRIMARY KEY (sender, open_block)
);

-- The attempts to pay of the last minutes, so that a repeated message is answered with what the first one led to.
CREATE TABLE attempts (
    id       BLOB PRIMARY KEY,
    -- keccak-256 of channel, price, balance and signature.
    contents BLOB NOT NULL,
    outcome  TEXT NOT NULL CHECK (outcome IN ('accepted', 'taken_back')),
    at       BIGINT NOT NULL
);

CREATE INDEX attempts_by_age ON attempts (at);
