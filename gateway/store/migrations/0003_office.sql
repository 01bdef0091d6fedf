-- 0 urgent, 1 normal, 2 bulk: which subjects of a partner go first.
ALTER TABLE outbox ADD COLUMN class INTEGER NOT NULL DEFAULT 1;
-- The legal time limit of the procedure, microseconds since 1970.
ALTER TABLE outbox ADD COLUMN give_up_at INTEGER;
-- Refusals in a row with the reason in `reason`.
ALTER TABLE outbox ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
-- Leases in a row that ended without a word.
ALTER TABLE outbox ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
-- 1: the words in `sending` went out for it alone, and nobody has said how that ended.
ALTER TABLE outbox ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
-- When a person replayed it: the time to give up is counted from here.
ALTER TABLE outbox ADD COLUMN replayed_at INTEGER;
-- The id it was put in with, which its content is bound to, where another has that id.
ALTER TABLE outbox ADD COLUMN named TEXT;
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (partner, class, due_at, position) WHERE state IN (0, 1) AND front = 1;
-- What needs a person: 3 dead, 4 poison.
CREATE INDEX outbox_stuck ON outbox (partner, position) WHERE state IN (3, 4);

-- What a person did, beside its record in the journal.
CREATE TABLE act (
    seq    INTEGER PRIMARY KEY REFERENCES journal (seq),
    target TEXT NOT NULL               -- a partner's, a parcel's or an evidence id
) STRICT;
CREATE INDEX act_target ON act (target, seq);

-- What is stopped until a person undoes it.
CREATE TABLE standing_order (
    partner TEXT    NOT NULL,
    stop    INTEGER NOT NULL,          -- 1 the lane, 2 the partner
    act     INTEGER NOT NULL REFERENCES journal (seq),
    PRIMARY KEY (partner, stop)
) STRICT, WITHOUT ROWID;

-- How often in a row a claim was handed out and never given back; and why recovery gave it up.
ALTER TABLE inbox ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inbox ADD COLUMN poison TEXT;
CREATE INDEX inbox_poison ON inbox (request) WHERE poison IS NOT NULL;
