-- One person under every number they ever had, what they are insured for, and what is being done about it.
-- Dates are ISO 8601 text, instants RFC 3339 UTC text (lease times: milliseconds since 1970), money whole VND.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE facilities (
    code    TEXT PRIMARY KEY NOT NULL,
    name    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE households (
    id             INTEGER PRIMARY KEY,
    commune        TEXT NOT NULL,
    commune_before TEXT             -- its code until 2025-06-30, where known
) STRICT;

CREATE TABLE people (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    match_key   TEXT NOT NULL,
    birth_date  TEXT NOT NULL,
    sex         INTEGER NOT NULL CHECK (sex IN (1, 2, 3)),
    ethnicity   TEXT NOT NULL,
    nationality TEXT NOT NULL,
    commune     TEXT NOT NULL,
    household   INTEGER REFERENCES households (id),
    relation    TEXT NOT NULL,      -- to the head of the household, two digits
    died_on     TEXT
) STRICT;
CREATE INDEX people_by_birth_and_name ON people (birth_date, match_key);

CREATE TABLE numbers (
    scheme     TEXT NOT NULL CHECK (scheme IN ('si', 'pin')),
    number     TEXT NOT NULL,
    person     INTEGER NOT NULL REFERENCES people (id),
    valid_from TEXT NOT NULL,
    valid_to   TEXT,
    PRIMARY KEY (number, scheme)
) STRICT, WITHOUT ROWID;
CREATE INDEX numbers_by_person ON numbers (person, scheme);
-- one SI number for life
CREATE UNIQUE INDEX one_si_number ON numbers (person) WHERE scheme = 'si';

CREATE TABLE employers (
    id          INTEGER PRIMARY KEY,
    mst         TEXT NOT NULL UNIQUE,
    unit_code   TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    state       INTEGER NOT NULL CHECK (state IN (1, 2, 3)),
    province    TEXT NOT NULL,
    commune     TEXT NOT NULL
) STRICT;

CREATE TABLE employments (
    person      INTEGER NOT NULL REFERENCES people (id),
    employer    INTEGER NOT NULL REFERENCES employers (id),
    from_period TEXT NOT NULL,
    to_period   TEXT,
    salary_vnd  INTEGER NOT NULL CHECK (salary_vnd >= 0),
    PRIMARY KEY (person, from_period)
) STRICT, WITHOUT ROWID;

CREATE TABLE contributions (
    employer     INTEGER NOT NULL REFERENCES employers (id),
    period       TEXT NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (1, 2, 3)),
    participants INTEGER NOT NULL CHECK (participants >= 0),
    fund_vnd     INTEGER NOT NULL CHECK (fund_vnd >= 0),
    due_vnd      INTEGER NOT NULL CHECK (due_vnd >= 0),
    paid_vnd     INTEGER NOT NULL CHECK (paid_vnd >= 0),
    arrears_vnd  INTEGER NOT NULL CHECK (arrears_vnd >= 0),
    closed       INTEGER NOT NULL CHECK (closed IN (0, 1)),
    PRIMARY KEY (employer, period)
) STRICT, WITHOUT ROWID;

CREATE TABLE cards (
    number     TEXT NOT NULL,
    serial     INTEGER NOT NULL CHECK (serial >= 1),
    person     INTEGER NOT NULL REFERENCES people (id),
    valid_from TEXT NOT NULL,
    valid_to   TEXT NOT NULL,
    facility   TEXT NOT NULL REFERENCES facilities (code),
    state      INTEGER NOT NULL CHECK (state IN (1, 2, 3)),
    rule       TEXT NOT NULL,
    issued_on  TEXT NOT NULL,
    PRIMARY KEY (number, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX cards_by_person ON cards (person);
CREATE UNIQUE INDEX one_valid_print ON cards (number) WHERE state = 1;

CREATE TABLE birth_cases (
    sender      TEXT NOT NULL,
    case_id     TEXT NOT NULL,
    facts       BLOB NOT NULL,      -- the request without its context: what was said, all of it
    person      INTEGER NOT NULL REFERENCES people (id),
    state       INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6),
    due_on      TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    card_number TEXT NOT NULL,
    card_rule   TEXT NOT NULL,
    PRIMARY KEY (sender, case_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE dossiers (
    code           TEXT PRIMARY KEY NOT NULL,
    owner          TEXT NOT NULL,
    foreign_id     TEXT NOT NULL,
    facts          BLOB NOT NULL,   -- the request without its context
    procedure      TEXT NOT NULL,
    state          INTEGER NOT NULL CHECK (state BETWEEN 1 AND 10),
    step           INTEGER NOT NULL CHECK (step >= 1),
    person         INTEGER NOT NULL REFERENCES people (id),
    card_number    TEXT NOT NULL,
    card_serial    INTEGER,         -- of the print issued at state 9
    applicant_name TEXT NOT NULL,
    applicant_pin  TEXT NOT NULL,
    received_at    TEXT NOT NULL,
    due_at         TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    reason         TEXT NOT NULL,
    UNIQUE (owner, foreign_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dossiers_moving ON dossiers (updated_at, code) WHERE state IN (1, 2, 4, 9);

CREATE TABLE counters (
    name  TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE effects (
    key            BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    method         TEXT NOT NULL,
    request_digest BLOB NOT NULL,
    response       BLOB NOT NULL,
    at             TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    seq              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    partner          TEXT NOT NULL,
    subject          TEXT NOT NULL,
    subject_sequence INTEGER NOT NULL CHECK (subject_sequence >= 1),
    at               TEXT NOT NULL,
    payload          BLOB NOT NULL,
    leased_by        TEXT,
    leased_until_ms  INTEGER,
    acked_at         TEXT,
    UNIQUE (partner, subject, subject_sequence)
) STRICT;
CREATE INDEX changes_open ON changes (seq) WHERE acked_at IS NULL;
