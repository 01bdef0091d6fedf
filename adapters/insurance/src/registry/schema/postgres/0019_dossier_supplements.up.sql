-- Papers that applicants sent later, each supplement once.
-- No reference: a load of millions takes the other tables' keys away and makes them again.

CREATE TABLE dossier_supplements (
    dossier TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,  -- the sender's own
    facts BYTEA NOT NULL,  -- what was said, but for when
    at TEXT COLLATE "C" NOT NULL,
    CONSTRAINT dossier_supplements_pkey PRIMARY KEY (dossier, id)
);
