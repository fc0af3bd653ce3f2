-- Amounts are 24 bytes, big-endian, so that the order of the bytes is the order of the numbers. Addresses are 20
-- bytes, hashes 32, signatures 65, attempt ids 16. Times are milliseconds since 1970. Names and meanings are those of
-- the SQLite tables.

-- Whose ledger this is: one row, written when the node was first reached.
CREATE TABLE ledger (
    one              INTEGER PRIMARY KEY CHECK (one = 1),
    id               TEXT NOT NULL,
    generation       BIGINT NOT NULL,
    chain_id         BIGINT NOT NULL,
    genesis          BYTEA NOT NULL,
    contract         BYTEA NOT NULL,
    code_hash        BYTEA NOT NULL,
    token            BYTEA NOT NULL,
    receiver         BYTEA NOT NULL,
    challenge_period BIGINT NOT NULL,
    -- When this copy of the ledger was made; NULL in a ledger that is in use.
    copied_at        BIGINT,
    -- Channels that were opened below this block are held back from the moment when they are first heard of.
    held_below       BIGINT NOT NULL DEFAULT 0
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
    hash   BYTEA NOT NULL
);

-- A reorganisation of blocks that were believed: one row while it is not over.
CREATE TABLE incident (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    -- The first block that was replaced.
    first_block    BIGINT NOT NULL,
    -- The first block that was not believed before.
    believed_below BIGINT NOT NULL,
    at             BIGINT NOT NULL
);

-- What the chain said of our channels. A reorganisation removes rows.
CREATE TABLE events (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    block_hash   BYTEA NOT NULL,
    tx_hash      BYTEA NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('opened', 'topped_up', 'close_requested', 'settled', 'withdrawn')),
    sender       BYTEA NOT NULL,
    open_block   BIGINT NOT NULL,
    amount       BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);

CREATE INDEX events_by_channel ON events (sender, open_block);

-- Says at once that a channel was never topped up, as most are not.
CREATE INDEX events_top_ups ON events (sender, open_block) WHERE kind = 'topped_up';

-- One row a channel, never deleted: what a sender signed outlives settlements and reorganisations. All that a payment
-- is decided on is in this row, so that locking it is enough. Each payment writes a new version of the row: the room
-- that is left in its page lets it stay there, and no index is touched.
CREATE TABLE channels (
    sender          BYTEA NOT NULL,
    open_block      BIGINT NOT NULL,
    -- What the chain says: always the fold of the channel's confirmed events.
    chain_state     TEXT NOT NULL CHECK (chain_state IN ('absent', 'unconfirmed', 'open', 'closing', 'settled')),
    deposit         BYTEA NOT NULL,
    withdrawn       BYTEA NOT NULL,
    -- The last block of the challenge period, and the balance of the sender's confirmed close request; NULL where
    -- nobody asked to close.
    settle_block    BIGINT,
    asked_balance   BYTEA,
    -- What the sender signed.
    balance         BYTEA NOT NULL,
    signature       BYTEA,
    -- The attempt that made the topmost payment, and what was held before it; NULL once that payment is final.
    undo_attempt    BYTEA,
    undo_balance    BYTEA,
    undo_signature  BYTEA,
    -- What was paid for resources that then failed, after their payments had become final. Part of the balance.
    credit          BYTEA NOT NULL DEFAULT '\x000000000000000000000000000000000000000000000000',
    -- Take-backs since a payment of this channel became final by a later one.
    take_backs      BIGINT NOT NULL DEFAULT 0,
    -- The balance of the closing agreement. Once set, never changed.
    closing_balance BYTEA,
    -- The generation since which the channel takes no payments; NULL where it takes them.
    held_generation BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (sender, open_block)
) WITH (fillfactor = 70);

-- Those that a challenge may be due for.
CREATE INDEX channels_closing ON channels (sender, open_block) WHERE chain_state = 'closing';

-- Those that an agreement to close is out for, until they are settled.
CREATE INDEX channels_marked ON channels (sender, open_block)
    WHERE closing_balance IS NOT NULL AND chain_state <> 'settled';

-- The attempts to pay of the last minutes, so that a repeated message is answered with what the first one led to.
CREATE TABLE attempts (
    id       BYTEA PRIMARY KEY,
    -- keccak-256 of channel, price, balance and signature.
    contents BYTEA NOT NULL,
    outcome  TEXT NOT NULL CHECK (outcome IN ('accepted', 'spent', 'taken_back', 'credited', 'kept')),
    at       BIGINT NOT NULL
);

CREATE INDEX attempts_by_age ON attempts (at);

-- For each deposit that a channel had before a top-up, the highest accepted proof not above it. Never deleted.
CREATE TABLE levels (
    sender     BYTEA NOT NULL,
    open_block BIGINT NOT NULL,
    deposit    BYTEA NOT NULL,
    balance    BYTEA NOT NULL,
    signature  BYTEA NOT NULL,
    PRIMARY KEY (sender, open_block, deposit)
);

-- What was accepted in each hour by each process, less what was taken back of it: a row that all processes add to would
-- have each of them wait for the others' disks. Amounts of 192 bits are counted in six parts of 32, the lowest first,
-- which may fall below zero.
CREATE TABLE income (
    -- Hours since 1970.
    hour     BIGINT NOT NULL,
    -- As in `writers`.
    writer   BIGINT NOT NULL,
    payments BIGINT NOT NULL,
    part0    BIGINT NOT NULL,
    part1    BIGINT NOT NULL,
    part2    BIGINT NOT NULL,
    part3    BIGINT NOT NULL,
    part4    BIGINT NOT NULL,
    part5    BIGINT NOT NULL,
    PRIMARY KEY (hour, writer)
);

-- How many transactions each process has committed: one that finds fewer than it was told of knows that commits are
-- lost.
CREATE TABLE writers (
    id         BIGINT PRIMARY KEY,
    count      BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);

-- Which process leads, that is follows the chain and sends transactions: the one that counted the epoch up last.
CREATE TABLE lease (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    epoch     BIGINT NOT NULL,
    -- Drawn with each epoch, which is who leads only together with it.
    draw      BIGINT NOT NULL DEFAULT 0,
    -- Changes with everything that the one who leads writes, so that others see it at work.
    beat      BIGINT NOT NULL DEFAULT 0,
    -- Who leads; NULL where nobody does.
    holder    TEXT,
    -- What the one who leads said last, as JSON, and the beat when it did.
    word      TEXT,
    word_beat BIGINT NOT NULL DEFAULT 0
);

INSERT INTO lease (one, epoch) VALUES (1, 0);

-- What we want the chain to do: one row a channel and purpose, written before anything is signed for it.
CREATE TABLE intents (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    purpose    TEXT NOT NULL CHECK (purpose IN ('close', 'withdraw')),
    sender     BYTEA NOT NULL,
    open_block BIGINT NOT NULL,
    -- The proof that is claimed.
    balance    BYTEA NOT NULL,
    signature  BYTEA NOT NULL,
    -- The nonce of all its transactions that can still be included, so that at most one of them is.
    nonce      BIGINT UNIQUE,
    -- The lease under which it was last changed.
    epoch      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When the chain had done it; NULL before. Only withdrawals are done and asked for again.
    done_at    BIGINT,
    UNIQUE (sender, open_block, purpose)
);

CREATE INDEX intents_unfinished ON intents (id) WHERE purpose = 'withdraw' AND done_at IS NULL;

-- What was signed for an intent, written before it is sent. Only what stands here is ever sent.
CREATE TABLE transactions (
    hash         BYTEA PRIMARY KEY,
    intent       BIGINT NOT NULL REFERENCES intents (id),
    nonce        BIGINT NOT NULL,
    -- Wei per gas.
    max_fee      BIGINT NOT NULL,
    priority_fee BIGINT NOT NULL,
    raw          BYTEA NOT NULL,
    -- The newest block when it was signed.
    head         BIGINT NOT NULL
);

CREATE INDEX transactions_by_intent ON transactions (intent, nonce);
