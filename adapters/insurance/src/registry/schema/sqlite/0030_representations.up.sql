-- Who represents whom by a court's, a commune's or their own word: entered by a person, dated, ended and never deleted.

CREATE TABLE representations (
    id INTEGER PRIMARY KEY,
    representative INTEGER NOT NULL REFERENCES people (id),
    person INTEGER REFERENCES people (id),
    employer INTEGER REFERENCES employers (id),
    kind TEXT NOT NULL CHECK (kind IN ('guardian', 'adult-guardian', 'authorised', 'legal-representative')),
    basis TEXT NOT NULL CHECK (basis IN ('court', 'commune', 'authorisation', 'registration')),
    document TEXT NOT NULL,
    from_on TEXT NOT NULL,
    to_on TEXT NOT NULL,
    procedures TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    at TEXT NOT NULL,
    ended_on TEXT NOT NULL DEFAULT '',
    ended_by TEXT NOT NULL DEFAULT '',
    ended_who TEXT NOT NULL DEFAULT '',
    ended_why TEXT NOT NULL DEFAULT '',
    ended_at TEXT NOT NULL DEFAULT '',
    CHECK ((person IS NULL) <> (employer IS NULL))
) STRICT;
CREATE UNIQUE INDEX representations_of_person ON representations (person, representative, document) WHERE person IS NOT NULL;
CREATE UNIQUE INDEX representations_of_employer ON representations (employer, representative, document) WHERE employer IS NOT NULL;
CREATE INDEX representations_by ON representations (representative);
ALTER TABLE dossiers ADD COLUMN acting TEXT NOT NULL DEFAULT ''
    CHECK (acting IN ('', 'mother', 'father', 'guardian', 'adult-guardian', 'authorised', 'legal-representative'));
UPDATE dossiers SET acting = acts_as WHERE acts_as <> '';
ALTER TABLE dossiers DROP COLUMN acts_as;
ALTER TABLE dossiers RENAME COLUMN acting TO acts_as;
