-- Drawn with each epoch, which is who leads only together with it.
ALTER TABLE lease ADD COLUMN draw BIGINT NOT NULL DEFAULT 0;

-- Changes with everything that the one who leads writes, so that others see it at work.
ALTER TABLE lease ADD COLUMN beat BIGINT NOT NULL DEFAULT 0;

-- Who leads; NULL where nobody does.
ALTER TABLE lease ADD COLUMN holder TEXT;

-- What the one who leads said last, as JSON, and the beat when it did.
ALTER TABLE lease ADD COLUMN word TEXT;
ALTER TABLE lease ADD COLUMN word_beat BIGINT NOT NULL DEFAULT 0;
