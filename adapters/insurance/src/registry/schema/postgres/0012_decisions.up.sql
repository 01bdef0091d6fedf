-- What persons decide of dossiers, each with who, why, and the payment that it names; a supplement's day.
-- No reference: a load of millions takes the other tables' keys away and makes them again.

ALTER TABLE dossiers ADD COLUMN supplement_due TEXT COLLATE "C";
CREATE TABLE dossier_acts (
    dossier TEXT COLLATE "C" NOT NULL,
    step BIGINT NOT NULL CHECK (step >= 1),  -- that was looked at
    decision BIGINT NOT NULL CHECK (decision BETWEEN 1 AND 5),
    who TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" NOT NULL,
    told TEXT COLLATE "C" NOT NULL,  -- to the applicant
    paid TEXT COLLATE "C" NOT NULL,  -- reference of the payment; empty where none is named
    at TEXT COLLATE "C" NOT NULL,
    CONSTRAINT dossier_acts_pkey PRIMARY KEY (dossier, step)
);
CREATE UNIQUE INDEX dossier_acts_paid ON dossier_acts (paid) WHERE paid <> '';
