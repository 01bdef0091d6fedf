-- Hospitals' notices in whose place another stands since they were issued again: as they were told, and which one it is.
CREATE TABLE replaced_notices (
    nth BIGINT NOT NULL CHECK (nth > 0),  -- the same code may be issued again more than once
    sender TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    paper TEXT COLLATE "C" NOT NULL,
    by_code TEXT COLLATE "C" NOT NULL,
    by_paper TEXT COLLATE "C" NOT NULL,
    at TEXT COLLATE "C" NOT NULL,
    facts BYTEA NOT NULL,
    CONSTRAINT replaced_notices_pkey PRIMARY KEY (sender, code, paper, nth)
);
CREATE INDEX replaced_notices_by ON replaced_notices (sender, by_code, by_paper);
