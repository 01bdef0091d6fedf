-- Hospitals' notices in whose place another stands since they were issued again: as they were told, and which one it is.
CREATE TABLE replaced_notices (
    sender TEXT NOT NULL,
    code TEXT NOT NULL,
    paper TEXT NOT NULL,
    nth INTEGER NOT NULL CHECK (nth > 0),  -- the same code may be issued again more than once
    facts BLOB NOT NULL,
    by_code TEXT NOT NULL,
    by_paper TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (sender, code, paper, nth)
) STRICT, WITHOUT ROWID;
CREATE INDEX replaced_notices_by ON replaced_notices (sender, by_code, by_paper);
