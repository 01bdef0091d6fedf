-- Who is told of births and deaths that come to stand here, until when, and in which fields (with blanks between them).

CREATE TABLE vital_subscriptions (
    code      TEXT PRIMARY KEY NOT NULL,
    partner   TEXT NOT NULL,
    kind      INTEGER NOT NULL CHECK (kind IN (1, 2)),  -- births, deaths
    pin       TEXT NOT NULL,                            -- of this person alone; empty for everybody
    fields    TEXT NOT NULL,
    purpose   TEXT NOT NULL,
    begins_ms INTEGER NOT NULL,
    ends_ms   INTEGER NOT NULL,
    ended_ms  INTEGER                                   -- before its time
) STRICT, WITHOUT ROWID;

CREATE INDEX vital_subscriptions_open ON vital_subscriptions (kind, ends_ms) WHERE ended_ms IS NULL;
CREATE INDEX vital_subscriptions_of_partner ON vital_subscriptions (partner, ends_ms) WHERE ended_ms IS NULL;
