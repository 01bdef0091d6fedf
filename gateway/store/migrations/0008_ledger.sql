-- Who asked about whom: one row per number of a person and answer. No number stands here, only its keyed
-- digest; the rows are written in the transaction that commits the answer.
CREATE TABLE access (
    person   BLOB    NOT NULL,         -- the digest of one number, 16 bytes
    record   INTEGER NOT NULL,         -- the journal record of the answer, or of the act of whoever looked it up
    subject  INTEGER NOT NULL,         -- which person of the message: numbers of one person share it
    at       INTEGER NOT NULL,         -- microseconds since 1970
    evidence BLOB    NOT NULL,         -- 16 bytes
    details  BLOB    NOT NULL,         -- who, what, rule, purpose, names of fields
    PRIMARY KEY (person, record, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_record ON access (record, subject);

-- Operations of a partner that are stopped until a person undoes it.
CREATE TABLE stopped_operation (
    partner   TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    act       INTEGER NOT NULL REFERENCES journal (seq),
    PRIMARY KEY (partner, operation)
) STRICT, WITHOUT ROWID;

-- Which terms of a partner are in force; the act's record holds them, sealed.
CREATE TABLE registration (
    partner TEXT    NOT NULL PRIMARY KEY,
    digest  BLOB    NOT NULL,          -- of the terms, 32 bytes
    act     INTEGER NOT NULL REFERENCES journal (seq)
) STRICT, WITHOUT ROWID;
