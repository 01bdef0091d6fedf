-- compatible-from: 1
-- Reconciliation: one row is a window of a partner. Its parcel in the outbox bears the same id.
CREATE TABLE pull (
    id         text COLLATE "C" PRIMARY KEY,
    partner    text COLLATE "C" NOT NULL,
    from_at    bigint NOT NULL,        -- microseconds since 1970
    until_at   bigint NOT NULL,        -- not in the window any more
    planned_at bigint NOT NULL,
    judged     bigint,                 -- the act that says what was found
    compared   bigint NOT NULL DEFAULT 0,
    again      bigint NOT NULL DEFAULT 0,
    given_up   bigint NOT NULL DEFAULT 0,
    never_came bigint NOT NULL DEFAULT 0,
    instead    bigint NOT NULL DEFAULT 0
);
CREATE INDEX pull_until ON pull (partner, until_at);
CREATE INDEX pull_newest ON pull (until_at);
CREATE INDEX pull_open ON pull (partner, until_at) WHERE judged IS NULL;

-- How often a parcel was put in again because its partner had lost it.
ALTER TABLE outbox ADD COLUMN healed bigint NOT NULL DEFAULT 0;
-- What a partner has receipted, by time and by subject; due_at is when, from here on.
CREATE INDEX outbox_told ON outbox (partner, due_at) WHERE state = 2 AND receipt IS NOT NULL;
CREATE INDEX outbox_told_of ON outbox (partner, subject, sequence) WHERE state = 2 AND receipt IS NOT NULL;
