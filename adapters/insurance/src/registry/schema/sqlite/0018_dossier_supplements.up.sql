-- Papers that applicants sent later, each supplement once.

CREATE TABLE dossier_supplements (
    dossier TEXT NOT NULL REFERENCES dossiers (code),
    id TEXT NOT NULL,  -- the sender's own
    facts BLOB NOT NULL,  -- what was said, but for when
    at TEXT NOT NULL,
    PRIMARY KEY (dossier, id)
) STRICT, WITHOUT ROWID;
