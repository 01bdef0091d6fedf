-- Who is told of the persons whom their own dossiers are about: of which corrected fields, with blanks between them, and
-- of which children's cards that end.
-- No reference: a load of millions takes the other tables' keys away and makes them again.

CREATE TABLE person_watches (
    partner TEXT COLLATE "C" NOT NULL,
    fields  TEXT COLLATE "C" NOT NULL,
    since   TEXT COLLATE "C" NOT NULL,
    CONSTRAINT person_watches_pkey PRIMARY KEY (partner)
);

CREATE TABLE person_endings (
    partner TEXT COLLATE "C" NOT NULL,
    person  BIGINT NOT NULL,
    ends_on TEXT COLLATE "C" NOT NULL,  -- the card's last day that was told
    at      TEXT COLLATE "C" NOT NULL,
    CONSTRAINT person_endings_pkey PRIMARY KEY (partner, person, ends_on)
);

CREATE INDEX dossiers_of_person ON dossiers (person, owner);
