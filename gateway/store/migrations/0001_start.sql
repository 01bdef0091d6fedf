-- The journal: exact bytes, sealed and chained. Rows are only ever appended.
CREATE TABLE journal (
    seq         INTEGER PRIMARY KEY,   -- 1, 2, 3, ... without a gap
    kind        INTEGER NOT NULL,      -- 1 request, 2 answer, 3 sending, 4 receipt, 5 refusal
    evidence    BLOB    NOT NULL,      -- 16 bytes
    at          INTEGER NOT NULL,      -- microseconds since 1970, when it was appended
    metadata    BLOB    NOT NULL,      -- tagged fields, no personal data
    wrapped_key BLOB    NOT NULL,      -- the record's own key, wrapped by the vault
    ciphertext  BLOB    NOT NULL,      -- the exact bytes, sealed
    digest      BLOB    NOT NULL,      -- SHA-256 of ciphertext
    hash        BLOB    NOT NULL       -- the chain
) STRICT;
CREATE INDEX journal_evidence ON journal (evidence, kind);

-- The newest (seq, hash), sealed under the vault: a cut tail contradicts it.
CREATE TABLE head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    writer TEXT NOT NULL,
    anchor BLOB NOT NULL
) STRICT;

-- Who said what, and which records hold it.
CREATE TABLE inbox (
    request      INTEGER PRIMARY KEY REFERENCES journal (seq),
    sender       TEXT NOT NULL,
    message_id   TEXT NOT NULL,
    digest       BLOB NOT NULL,        -- content digest
    answer       INTEGER REFERENCES journal (seq),
    owner        TEXT,                 -- who acts upon it, while unanswered
    leased_until INTEGER,              -- microseconds since 1970, while unanswered
    UNIQUE (message_id, sender)
) STRICT;
CREATE INDEX inbox_open ON inbox (leased_until) WHERE answer IS NULL;

-- What has to be sent. due_at is the earliest next try, or the end of the lease.
CREATE TABLE outbox (
    position    INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    partner     TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    sequence    INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    state       INTEGER NOT NULL,      -- 0 waiting, 1 leased, 2 done, 3 dead
    owner       TEXT,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    reason      TEXT,
    put_at      INTEGER NOT NULL,
    cause       BLOB,                  -- the evidence of the message it came from
    sending     INTEGER REFERENCES journal (seq),
    receipt     INTEGER REFERENCES journal (seq),
    wrapped_key BLOB    NOT NULL,
    ciphertext  BLOB    NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (partner, due_at, position) WHERE state IN (0, 1);
CREATE INDEX outbox_open ON outbox (partner, subject, sequence, position) WHERE state <> 2;
CREATE INDEX outbox_cause ON outbox (cause) WHERE cause IS NOT NULL;

-- How many refusals were kept per partner and minute, and how many were only counted.
CREATE TABLE refusal_count (
    partner  TEXT    NOT NULL,
    minute   INTEGER NOT NULL,         -- minutes since 1970
    kept     INTEGER NOT NULL,
    overflow INTEGER NOT NULL,
    PRIMARY KEY (partner, minute)
) STRICT, WITHOUT ROWID;
