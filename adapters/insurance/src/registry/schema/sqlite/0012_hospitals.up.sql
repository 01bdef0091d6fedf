-- Hospitals' notices of births: what was told, and whom it was taken for.
CREATE TABLE birth_notices (
    sender TEXT NOT NULL,
    code TEXT NOT NULL,  -- of the birth (maGCS): shared by the children of it
    paper TEXT NOT NULL,  -- which of several children; empty where there is one
    facts BLOB NOT NULL,  -- as it was told
    children INTEGER NOT NULL CHECK (children BETWEEN 1 AND 10),
    sex INTEGER NOT NULL CHECK (sex IN (1, 2, 3)),
    outcome INTEGER NOT NULL CHECK (outcome BETWEEN 1 AND 4),
    person INTEGER REFERENCES people (id),  -- none where it is not known which child it is, or nothing was given
    at TEXT NOT NULL,
    PRIMARY KEY (sender, code, paper)
) STRICT, WITHOUT ROWID;
CREATE INDEX birth_notices_by_code ON birth_notices (code);
CREATE UNIQUE INDEX birth_notices_by_person ON birth_notices (person) WHERE person IS NOT NULL;
