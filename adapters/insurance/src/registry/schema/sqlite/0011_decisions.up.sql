-- What persons decide of dossiers, each with who, why, and the payment that it names; a supplement's day.

ALTER TABLE dossiers ADD COLUMN supplement_due TEXT;
CREATE TABLE dossier_acts (
    dossier TEXT NOT NULL REFERENCES dossiers (code),
    step INTEGER NOT NULL CHECK (step >= 1),  -- that was looked at
    decision INTEGER NOT NULL CHECK (decision BETWEEN 1 AND 5),
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    told TEXT NOT NULL,  -- to the applicant
    paid TEXT NOT NULL,  -- reference of the payment; empty where none is named
    at TEXT NOT NULL,
    PRIMARY KEY (dossier, step)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dossier_acts_paid ON dossier_acts (paid) WHERE paid <> '';
