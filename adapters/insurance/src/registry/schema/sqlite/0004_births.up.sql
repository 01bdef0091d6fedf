-- Where people were born, as the civil registry told it: what a child is recognised by before it gets a number;
-- and births of which a person must say whether the child is known already.

CREATE TABLE birth_origins (
    person       INTEGER PRIMARY KEY REFERENCES people (id),
    birth_date   TEXT NOT NULL,
    birth_notice TEXT NOT NULL,     -- the hospital's code (maGCS); empty where none was told
    mother_pin   TEXT NOT NULL,     -- empty where none was told
    mother_name  TEXT NOT NULL,     -- empty where she is not known
    mother_key   TEXT NOT NULL      -- her name as it is compared
) STRICT;
CREATE INDEX birth_origins_by_notice ON birth_origins (birth_notice);
CREATE INDEX birth_origins_by_mother_pin ON birth_origins (mother_pin, birth_date);
CREATE INDEX birth_origins_by_mother_key ON birth_origins (mother_key, birth_date);

CREATE TABLE birth_reviews (
    id         INTEGER PRIMARY KEY,
    sender     TEXT NOT NULL,
    case_id    TEXT NOT NULL,
    facts      BLOB NOT NULL,       -- the request without its context: what was said, all of it
    score      INTEGER NOT NULL,    -- of the likeliest candidate, when it was opened
    why        TEXT NOT NULL,       -- the words of that score, comma separated
    due_on     TEXT NOT NULL,
    opened_at  TEXT NOT NULL,
    decided_at TEXT,
    decided_by TEXT,
    reason     TEXT,
    same_as    INTEGER REFERENCES people (id),  -- the person it turned out to be; none where it was a new one
    UNIQUE (sender, case_id)
) STRICT;
CREATE INDEX birth_reviews_open ON birth_reviews (id) WHERE decided_at IS NULL;
