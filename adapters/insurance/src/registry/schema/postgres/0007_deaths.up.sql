-- Deaths as the civil registry told them, and what each closed, so that a death that was none gives everything back.
-- No references: a load of millions takes the other tables' keys away and makes them again.

CREATE TABLE deaths (
    sender TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    facts BYTEA NOT NULL,  -- the request without its context: what was said, all of it
    pin TEXT COLLATE "C" NOT NULL,
    person BIGINT,  -- none as long as nobody here has the PIN
    died_on TEXT COLLATE "C" NOT NULL,
    funeral BIGINT NOT NULL CHECK (funeral IN (0, 1, 2)),  -- the allowance's case: 0 none, 1 open, 2 cancelled
    updated_at TEXT COLLATE "C" NOT NULL,
    withdrawn_by TEXT COLLATE "C",  -- the case that withdrew it
    CONSTRAINT deaths_pkey PRIMARY KEY (sender, case_id)
);
CREATE INDEX deaths_by_pin ON deaths (pin);
CREATE INDEX deaths_by_person ON deaths (person);

CREATE TABLE death_closures (
    person BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('card', 'employment')),
    what TEXT COLLATE "C" NOT NULL,  -- a card's number, or an employment's first month
    serial BIGINT NOT NULL,  -- of the card's print; 0 for an employment
    ended TEXT COLLATE "C",  -- its end before the death
    CONSTRAINT death_closures_pkey PRIMARY KEY (person, kind, what, serial)
);
-- what may still be due when somebody dies or comes back
CREATE INDEX birth_cases_by_person ON birth_cases (person);
