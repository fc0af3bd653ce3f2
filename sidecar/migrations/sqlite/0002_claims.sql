-- The balance of the sender's confirmed close request; NULL where nobody asked to close.
ALTER TABLE channels ADD COLUMN asked_balance BLOB;

UPDATE channels SET asked_balance = (
    SELECT events.amount FROM events
    WHERE events.sender = channels.sender AND events.open_block = channels.open_block
      AND events.kind = 'close_requested' AND events.block_number < (SELECT confirmed_below FROM position)
    ORDER BY events.block_number DESC, events.log_index DESC LIMIT 1
) WHERE settle_block IS NOT NULL;

-- Those that a challenge may be due for.
CREATE INDEX channels_closing ON channels (sender, open_block) WHERE chain_state = 'closing';

-- Those that an agreement to close is out for, until they are settled.
CREATE INDEX channels_marked ON channels (sender, open_block)
    WHERE closing_balance IS NOT NULL AND chain_state <> 'settled';

-- For each deposit that a channel had before a top-up, the highest accepted proof not above it: the contract refuses
-- a balance above the deposit, and a reorganisation can take a top-up away. Never deleted.
CREATE TABLE levels (
    sender     BLOB NOT NULL,
    open_block BIGINT NOT NULL,
    deposit    BLOB NOT NULL,
    balance    BLOB NOT NULL,
    signature  BLOB NOT NULL,
    PRIMARY KEY (sender, open_block, deposit)
);

-- Says at once that a channel was never topped up, as most are not.
CREATE INDEX events_top_ups ON events (sender, open_block) WHERE kind = 'topped_up';

-- Which process may send transactions: the one that counted the epoch up last.
CREATE TABLE lease (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    epoch BIGINT NOT NULL
);

INSERT INTO lease (one, epoch) VALUES (1, 0);

-- What we want the chain to do: one row a channel and purpose, written before anything is signed for it.
CREATE TABLE intents (
    id         INTEGER PRIMARY KEY,
    purpose    TEXT NOT NULL CHECK (purpose IN ('close', 'withdraw')),
    sender     BLOB NOT NULL,
    open_block BIGINT NOT NULL,
    -- The proof that is claimed.
    balance    BLOB NOT NULL,
    signature  BLOB NOT NULL,
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
    hash         BLOB PRIMARY KEY,
    intent       BIGINT NOT NULL REFERENCES intents (id),
    nonce        BIGINT NOT NULL,
    -- Wei per gas.
    max_fee      BIGINT NOT NULL,
    priority_fee BIGINT NOT NULL,
    raw          BLOB NOT NULL,
    -- The newest block when it was signed.
    head         BIGINT NOT NULL
);

CREATE INDEX transactions_by_intent ON transactions (intent, nonce);
