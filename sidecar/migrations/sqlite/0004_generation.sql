-- When this copy of the ledger was made, in milliseconds since 1970; NULL in a ledger that is in use. Whoever opens a
-- copy to use it starts the ledger's next generation.
ALTER TABLE ledger ADD COLUMN copied_at BIGINT;

-- Channels that were opened below this block are held back from the moment when they are first heard of: the ledger
-- that this one is a copy of may have known them. Of no meaning but 0 in the first generation.
ALTER TABLE ledger ADD COLUMN held_below BIGINT NOT NULL DEFAULT 0;

-- The generation since which the channel takes no payments: agreements to close it may be out that this ledger does
-- not know. NULL where it takes them.
ALTER TABLE channels ADD COLUMN held_generation BIGINT;

-- A trigger, so that no way into the table leads around it.
CREATE TRIGGER channels_held AFTER INSERT ON channels
WHEN NEW.open_block < (SELECT held_below FROM ledger)
BEGIN
    UPDATE channels SET held_generation = (SELECT generation FROM ledger)
    WHERE sender = NEW.sender AND open_block = NEW.open_block;
END;
