-- Who is told of the persons whom their own dossiers are about: of which corrected fields, with blanks between them, and
-- of which children's cards that end.

CREATE TABLE person_watches (
    partner TEXT PRIMARY KEY NOT NULL,
    fields  TEXT NOT NULL,
    since   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE person_endings (
    partner TEXT NOT NULL,
    person  INTEGER NOT NULL REFERENCES people (id),
    ends_on TEXT NOT NULL,  -- the card's last day that was told
    at      TEXT NOT NULL,
    PRIMARY KEY (partner, person, ends_on)
) STRICT, WITHOUT ROWID;

CREATE INDEX dossiers_of_person ON dossiers (person, owner);
