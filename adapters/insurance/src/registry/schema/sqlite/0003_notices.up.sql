-- What the tax department told unasked about employers, in the order in which it came.

CREATE TABLE tax_notices (
    seq          INTEGER PRIMARY KEY,
    sender       TEXT NOT NULL,
    tax_code     TEXT NOT NULL,
    kind         INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 7),
    effective_on TEXT NOT NULL,
    facts        BLOB NOT NULL,      -- the notice: what was said, all of it
    received_at  TEXT NOT NULL
) STRICT;
CREATE INDEX tax_notices_by_code ON tax_notices (tax_code, seq);
