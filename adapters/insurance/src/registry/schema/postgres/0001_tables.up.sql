-- The registry's tables on PostgreSQL: the columns are those of the SQLite file, without keys and indexes,
-- which 0002 adds, so that a load of millions can come between.
-- Dates are ISO 8601 text, instants RFC 3339 UTC text (lease times: milliseconds since 1970), money whole VND;
-- text is compared byte by byte, as SQLite does. Wide columns stand first, so that rows carry no padding.

CREATE TABLE meta (
    name  TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE facilities (
    code TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL
);

CREATE SEQUENCE household_ids;
CREATE TABLE households (
    id             BIGINT NOT NULL DEFAULT nextval('household_ids'),
    commune        TEXT COLLATE "C" NOT NULL,
    commune_before TEXT COLLATE "C"             -- its code until 2025-06-30, where known
);

CREATE SEQUENCE people_ids;
CREATE TABLE people (
    id          BIGINT NOT NULL DEFAULT nextval('people_ids'),
    household   BIGINT,
    sex         SMALLINT NOT NULL CHECK (sex IN (1, 2, 3)),
    name        TEXT COLLATE "C" NOT NULL,
    match_key   TEXT COLLATE "C" NOT NULL,
    birth_date  TEXT COLLATE "C" NOT NULL,
    ethnicity   TEXT COLLATE "C" NOT NULL,
    nationality TEXT COLLATE "C" NOT NULL,
    commune     TEXT COLLATE "C" NOT NULL,
    relation    TEXT COLLATE "C" NOT NULL,      -- to the head of the household, two digits
    died_on     TEXT COLLATE "C"
) PARTITION BY HASH (id);

-- Not partitioned: a number is one person's, and a person has one SI number for life. A partitioned table
-- can promise only one of the two.
CREATE TABLE numbers (
    person     BIGINT NOT NULL,
    scheme     TEXT COLLATE "C" NOT NULL CHECK (scheme IN ('si', 'pin')),
    number     TEXT COLLATE "C" NOT NULL,
    valid_from TEXT COLLATE "C" NOT NULL,
    valid_to   TEXT COLLATE "C"
);

CREATE SEQUENCE employer_ids;
CREATE TABLE employers (
    id        BIGINT NOT NULL DEFAULT nextval('employer_ids'),
    state     SMALLINT NOT NULL CHECK (state IN (1, 2, 3)),
    mst       TEXT COLLATE "C" NOT NULL,
    unit_code TEXT COLLATE "C" NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    province  TEXT COLLATE "C" NOT NULL,
    commune   TEXT COLLATE "C" NOT NULL
);

CREATE TABLE employments (
    person      BIGINT NOT NULL,
    employer    BIGINT NOT NULL,
    salary_vnd  BIGINT NOT NULL CHECK (salary_vnd >= 0),
    from_period TEXT COLLATE "C" NOT NULL,
    to_period   TEXT COLLATE "C"
) PARTITION BY HASH (person);

CREATE TABLE contributions (
    employer     BIGINT NOT NULL,
    participants BIGINT NOT NULL CHECK (participants >= 0),
    fund_vnd     BIGINT NOT NULL CHECK (fund_vnd >= 0),
    due_vnd      BIGINT NOT NULL CHECK (due_vnd >= 0),
    paid_vnd     BIGINT NOT NULL CHECK (paid_vnd >= 0),
    arrears_vnd  BIGINT NOT NULL CHECK (arrears_vnd >= 0),
    state        SMALLINT NOT NULL CHECK (state IN (1, 2, 3)),
    closed       SMALLINT NOT NULL CHECK (closed IN (0, 1)),
    period       TEXT COLLATE "C" NOT NULL
) PARTITION BY HASH (employer);

-- A card lies with its holder's other cards; its number holds the holder's SI number, which is one person's.
CREATE TABLE cards (
    person     BIGINT NOT NULL,
    serial     BIGINT NOT NULL CHECK (serial >= 1),
    state      SMALLINT NOT NULL CHECK (state IN (1, 2, 3)),
    number     TEXT COLLATE "C" NOT NULL,
    valid_from TEXT COLLATE "C" NOT NULL,
    valid_to   TEXT COLLATE "C" NOT NULL,
    facility   TEXT COLLATE "C" NOT NULL,
    rule       TEXT COLLATE "C" NOT NULL,
    issued_on  TEXT COLLATE "C" NOT NULL
) PARTITION BY HASH (person);

CREATE TABLE birth_cases (
    person      BIGINT NOT NULL,
    state       SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 6),
    sender      TEXT COLLATE "C" NOT NULL,
    case_id     TEXT COLLATE "C" NOT NULL,
    due_on      TEXT COLLATE "C" NOT NULL,
    updated_at  TEXT COLLATE "C" NOT NULL,
    card_number TEXT COLLATE "C" NOT NULL,
    card_rule   TEXT COLLATE "C" NOT NULL,
    facts       BYTEA NOT NULL                  -- the request without its context: what was said, all of it
);

-- Not partitioned, as numbers: the code is one dossier's, and so is what its owner calls it.
CREATE TABLE dossiers (
    person         BIGINT NOT NULL,
    step           BIGINT NOT NULL CHECK (step >= 1),
    card_serial    BIGINT,                      -- of the print issued at state 9
    state          SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 10),
    code           TEXT COLLATE "C" NOT NULL,
    owner          TEXT COLLATE "C" NOT NULL,
    foreign_id     TEXT COLLATE "C" NOT NULL,
    procedure      TEXT COLLATE "C" NOT NULL,
    card_number    TEXT COLLATE "C" NOT NULL,
    applicant_name TEXT COLLATE "C" NOT NULL,
    applicant_pin  TEXT COLLATE "C" NOT NULL,
    received_at    TEXT COLLATE "C" NOT NULL,
    due_at         TEXT COLLATE "C" NOT NULL,
    updated_at     TEXT COLLATE "C" NOT NULL,
    reason         TEXT COLLATE "C" NOT NULL,
    facts          BYTEA NOT NULL               -- the request without its context
) WITH (fillfactor = 80);

CREATE TABLE counters (
    value BIGINT NOT NULL CHECK (value >= 0),
    name  TEXT COLLATE "C" NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE effects (
    key            BYTEA NOT NULL CHECK (length(key) = 32),
    request_digest BYTEA NOT NULL,
    method         TEXT COLLATE "C" NOT NULL,
    at             TEXT COLLATE "C" NOT NULL,
    response       BYTEA NOT NULL
) PARTITION BY HASH (key);

CREATE TABLE changes (
    seq              BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY,
    subject_sequence BIGINT NOT NULL CHECK (subject_sequence >= 1),
    leased_until_ms  BIGINT,
    id               TEXT COLLATE "C" NOT NULL,
    partner          TEXT COLLATE "C" NOT NULL,
    subject          TEXT COLLATE "C" NOT NULL,
    at               TEXT COLLATE "C" NOT NULL,
    leased_by        TEXT COLLATE "C",
    acked_at         TEXT COLLATE "C",
    payload          BYTEA NOT NULL
) WITH (fillfactor = 80);

-- Sixteen parts each: with 100 million people a part of people is 6 million rows and below 2 GB, which is
-- vacuumed, reindexed and restored in minutes, and 16 workers can load at once.
DO $$
DECLARE
    parted TEXT;
BEGIN
    FOREACH parted IN ARRAY ARRAY['people', 'employments', 'contributions', 'cards', 'effects'] LOOP
        FOR part IN 0..15 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                parted || '_' || part, parted, part);
        END LOOP;
    END LOOP;
END $$;
