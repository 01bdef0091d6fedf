-- What the tax department asks about beside the months: what employers declared about changes among their people (form D02-TS), one row per month with a change.
-- No references: a load of millions takes the other tables' keys away and makes
-- them again.

CREATE TABLE d02 (
    employer     BIGINT NOT NULL,
    joined       BIGINT NOT NULL CHECK (joined >= 0),
    gone         BIGINT NOT NULL CHECK (gone >= 0),
    period       TEXT COLLATE "C" NOT NULL,
    submitted_on TEXT COLLATE "C" NOT NULL,
    plan         TEXT COLLATE "C" NOT NULL,     -- plan code (phương án) of the first line
    CONSTRAINT d02_pkey PRIMARY KEY (employer, period)
);

-- Personal tax codes of 10 digits from before 2025-07-01, as people gave them: one may stand for several.
CREATE TABLE tax_codes (
    person BIGINT NOT NULL,
    code   TEXT COLLATE "C" NOT NULL,
    CONSTRAINT tax_codes_pkey PRIMARY KEY (code, person)
);
