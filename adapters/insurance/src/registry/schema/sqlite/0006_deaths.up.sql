-- Deaths as the civil registry told them, and what each closed, so that a death that was none gives everything back.

CREATE TABLE deaths (
    sender TEXT NOT NULL,
    case_id TEXT NOT NULL,
    facts BLOB NOT NULL,  -- the request without its context: what was said, all of it
    pin TEXT NOT NULL,
    person INTEGER REFERENCES people (id),  -- none as long as nobody here has the PIN
    died_on TEXT NOT NULL,
    funeral INTEGER NOT NULL CHECK (funeral IN (0, 1, 2)),  -- the allowance's case: 0 none, 1 open, 2 cancelled
    updated_at TEXT NOT NULL,
    withdrawn_by TEXT,  -- the case that withdrew it
    PRIMARY KEY (sender, case_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deaths_by_pin ON deaths (pin);
CREATE INDEX deaths_by_person ON deaths (person);

CREATE TABLE death_closures (
    person INTEGER NOT NULL REFERENCES people (id),
    kind TEXT NOT NULL CHECK (kind IN ('card', 'employment')),
    what TEXT NOT NULL,  -- a card's number, or an employment's first month
    serial INTEGER NOT NULL,  -- of the card's print; 0 for an employment
    ended TEXT,  -- its end before the death
    PRIMARY KEY (person, kind, what, serial)
) STRICT, WITHOUT ROWID;
-- what may still be due when somebody dies or comes back
CREATE INDEX birth_cases_by_person ON birth_cases (person);
