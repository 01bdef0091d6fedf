-- Reconciliation: one row is a window of a partner. Its parcel in the outbox bears the same id.
CREATE TABLE pull (
    id         TEXT PRIMARY KEY,
    partner    TEXT    NOT NULL,
    from_at    INTEGER NOT NULL,       -- microseconds since 1970
    until_at   INTEGER NOT NULL,       -- not in the window any more
    planned_at INTEGER NOT NULL,
    judged     INTEGER REFERENCES journal (seq),   -- the act that says what was found
    compared   INTEGER NOT NULL DEFAULT 0,         -- parcels
    again      INTEGER NOT NULL DEFAULT 0,         -- of them lost, and put in again
    given_up   INTEGER NOT NULL DEFAULT 0,         -- of them lost, and not put in again
    never_came INTEGER NOT NULL DEFAULT 0,         -- messages
    instead    INTEGER NOT NULL DEFAULT 0          -- pulls planned in its place
) STRICT, WITHOUT ROWID;
CREATE INDEX pull_until ON pull (partner, until_at);
CREATE INDEX pull_newest ON pull (until_at);
CREATE INDEX pull_open ON pull (partner, until_at) WHERE judged IS NULL;

-- How often a parcel was put in again because its partner had lost it.
ALTER TABLE outbox ADD COLUMN healed INTEGER NOT NULL DEFAULT 0;
-- What a partner has receipted, by time and by subject; due_at is when, from here on.
CREATE INDEX outbox_told ON outbox (partner, due_at) WHERE state = 2 AND receipt IS NOT NULL;
CREATE INDEX outbox_told_of ON outbox (partner, subject, sequence) WHERE state = 2 AND receipt IS NOT NULL;
