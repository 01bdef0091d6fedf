-- compatible-from: 1
-- Who asked about whom: one row per number of a person and answer. No number stands here, only its keyed
-- digest; the rows are written in the transaction that commits the answer. An older build beside this one
-- writes none.
CREATE TABLE access (
    person   bytea   NOT NULL,            -- the digest of one number, 16 bytes
    record   bigint  NOT NULL,            -- the journal record of the answer, or of the act of whoever looked it up
    subject  bigint  NOT NULL,            -- which person of the message: numbers of one person share it
    at       bigint  NOT NULL,            -- microseconds since 1970
    evidence bytea   NOT NULL,            -- 16 bytes
    details  bytea   NOT NULL,            -- who, what, rule, purpose, names of fields
    PRIMARY KEY (person, record, subject)
);
CREATE INDEX access_record ON access (record, subject);

-- Operations of a partner that are stopped until a person undoes it. An older build does not see them.
CREATE TABLE stopped_operation (
    partner   text COLLATE "C" NOT NULL,
    operation text COLLATE "C" NOT NULL,
    act       bigint NOT NULL,
    PRIMARY KEY (partner, operation)
);

-- Which terms of a partner are in force; the act's record holds them, sealed.
CREATE TABLE registration (
    partner text COLLATE "C" NOT NULL PRIMARY KEY,
    digest  bytea  NOT NULL,              -- of the terms, 32 bytes
    act     bigint NOT NULL
);
