-- What officers record of employers, who is told of it, and the participants that each was told of last.

ALTER TABLE changes ADD COLUMN kind TEXT NOT NULL DEFAULT 'dossier';
CREATE TABLE employer_records (
    employer     INTEGER NOT NULL REFERENCES employers (id),
    nth          INTEGER NOT NULL CHECK (nth >= 1),
    kind         INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 7),
    effective_on TEXT NOT NULL,
    facts        BLOB NOT NULL,  -- the change as it was told
    who          TEXT NOT NULL,
    why          TEXT NOT NULL,
    at           TEXT NOT NULL,
    PRIMARY KEY (employer, nth)
) STRICT, WITHOUT ROWID;
CREATE TABLE employer_watches (
    partner TEXT PRIMARY KEY NOT NULL,
    people  INTEGER NOT NULL CHECK (people >= 0),
    percent INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 1000),
    since   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE employer_told (
    partner      TEXT NOT NULL,
    employer     INTEGER NOT NULL,
    participants INTEGER NOT NULL CHECK (participants >= 0),
    PRIMARY KEY (partner, employer)
) STRICT, WITHOUT ROWID;
