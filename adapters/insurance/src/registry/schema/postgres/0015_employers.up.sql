-- What officers record of employers, who is told of it, and the participants that each was told of last.
-- No reference: a load of millions takes the other tables' keys away and makes them again.

ALTER TABLE changes ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'dossier';
CREATE TABLE employer_records (
    employer     BIGINT NOT NULL,
    nth          BIGINT NOT NULL CHECK (nth >= 1),
    kind         BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 7),
    effective_on TEXT COLLATE "C" NOT NULL,
    facts        BYTEA NOT NULL,  -- the change as it was told
    who          TEXT COLLATE "C" NOT NULL,
    why          TEXT COLLATE "C" NOT NULL,
    at           TEXT COLLATE "C" NOT NULL,
    CONSTRAINT employer_records_pkey PRIMARY KEY (employer, nth)
);
CREATE TABLE employer_watches (
    partner TEXT COLLATE "C" NOT NULL CONSTRAINT employer_watches_pkey PRIMARY KEY,
    people  BIGINT NOT NULL CHECK (people >= 0),
    percent BIGINT NOT NULL CHECK (percent BETWEEN 0 AND 1000),
    since   TEXT COLLATE "C" NOT NULL
);
CREATE TABLE employer_told (
    partner      TEXT COLLATE "C" NOT NULL,
    employer     BIGINT NOT NULL,
    participants BIGINT NOT NULL CHECK (participants >= 0),
    CONSTRAINT employer_told_pkey PRIMARY KEY (partner, employer)
);
