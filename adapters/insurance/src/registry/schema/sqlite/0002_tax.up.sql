-- What the tax department asks about beside the months: what employers declared about changes among their people (form D02-TS), one row per month with a change.

CREATE TABLE d02 (
    employer     INTEGER NOT NULL REFERENCES employers (id),
    period       TEXT NOT NULL,
    submitted_on TEXT NOT NULL,
    plan         TEXT NOT NULL,         -- plan code (phương án) of the first line
    joined       INTEGER NOT NULL CHECK (joined >= 0),
    gone         INTEGER NOT NULL CHECK (gone >= 0),
    PRIMARY KEY (employer, period)
) STRICT, WITHOUT ROWID;

-- Personal tax codes of 10 digits from before 2025-07-01, as people gave them: one may stand for several.
CREATE TABLE tax_codes (
    code   TEXT NOT NULL,
    person INTEGER NOT NULL REFERENCES people (id),
    PRIMARY KEY (code, person)
) STRICT, WITHOUT ROWID;
