-- What a person asked of a sender about a birth that waits, and what came of it; births that a person refused.

CREATE TABLE birth_supplements (
    sender      TEXT NOT NULL,
    case_id     TEXT NOT NULL,
    nth         INTEGER NOT NULL CHECK (nth >= 1),  -- of that case
    told        TEXT NOT NULL,     -- what is missing, as the sender is told
    who         TEXT NOT NULL,
    why         TEXT NOT NULL,
    asked_at    TEXT NOT NULL,
    until_on    TEXT NOT NULL,     -- the last day on which it may come
    until_ms    INTEGER NOT NULL,  -- the end of its office hours, milliseconds since 1970
    answer_case TEXT,              -- the message that answered
    answer      BLOB,              -- what it said, without its context
    ended_at    TEXT,              -- answered, decided without, or too late; none while it is awaited
    PRIMARY KEY (sender, case_id, nth)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX birth_supplements_answers ON birth_supplements (sender, answer_case) WHERE answer_case IS NOT NULL;
CREATE INDEX birth_supplements_awaited ON birth_supplements (until_ms) WHERE ended_at IS NULL;
ALTER TABLE birth_reviews ADD COLUMN refused TEXT;  -- why the case ends, as its sender is told; none where it does not
ALTER TABLE birth_reviews ADD COLUMN moved_at TEXT;  -- since when it stands as it does; none where that is since it was opened
ALTER TABLE birth_clocks ADD COLUMN paused_ms INTEGER;  -- since when its sender is waited for
