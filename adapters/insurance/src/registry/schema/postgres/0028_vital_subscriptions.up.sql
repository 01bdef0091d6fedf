-- Who is told of births and deaths that come to stand here, until when, and in which fields (with blanks between them).

CREATE TABLE vital_subscriptions (
    code      TEXT COLLATE "C" NOT NULL,
    partner   TEXT COLLATE "C" NOT NULL,
    kind      BIGINT NOT NULL CHECK (kind IN (1, 2)),  -- births, deaths
    pin       TEXT COLLATE "C" NOT NULL,               -- of this person alone; empty for everybody
    fields    TEXT COLLATE "C" NOT NULL,
    purpose   TEXT COLLATE "C" NOT NULL,
    begins_ms BIGINT NOT NULL,
    ends_ms   BIGINT NOT NULL,
    ended_ms  BIGINT,                                  -- before its time
    CONSTRAINT vital_subscriptions_pkey PRIMARY KEY (code)
);

CREATE INDEX vital_subscriptions_open ON vital_subscriptions (kind, ends_ms) WHERE ended_ms IS NULL;
CREATE INDEX vital_subscriptions_of_partner ON vital_subscriptions (partner, ends_ms) WHERE ended_ms IS NULL;
