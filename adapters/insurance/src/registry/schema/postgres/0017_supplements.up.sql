-- What a person asked of a sender about a birth that waits, and what came of it; births that a person refused.

CREATE TABLE birth_supplements (
    sender      TEXT COLLATE "C" NOT NULL,
    case_id     TEXT COLLATE "C" NOT NULL,
    nth         BIGINT NOT NULL CHECK (nth >= 1),  -- of that case
    told        TEXT COLLATE "C" NOT NULL,     -- what is missing, as the sender is told
    who         TEXT COLLATE "C" NOT NULL,
    why         TEXT COLLATE "C" NOT NULL,
    asked_at    TEXT COLLATE "C" NOT NULL,
    until_on    TEXT COLLATE "C" NOT NULL,     -- the last day on which it may come
    until_ms    BIGINT NOT NULL,  -- the end of its office hours, milliseconds since 1970
    answer_case TEXT COLLATE "C",              -- the message that answered
    answer      BYTEA,              -- what it said, without its context
    ended_at    TEXT COLLATE "C",              -- answered, decided without, or too late; none while it is awaited
    CONSTRAINT birth_supplements_pkey PRIMARY KEY (sender, case_id, nth)
);
CREATE UNIQUE INDEX birth_supplements_answers ON birth_supplements (sender, answer_case) WHERE answer_case IS NOT NULL;
CREATE INDEX birth_supplements_awaited ON birth_supplements (until_ms) WHERE ended_at IS NULL;
ALTER TABLE birth_reviews ADD COLUMN refused TEXT COLLATE "C";  -- why the case ends, as its sender is told; none where it does not
ALTER TABLE birth_reviews ADD COLUMN moved_at TEXT COLLATE "C";  -- since when it stands as it does; none where that is since it was opened
ALTER TABLE birth_clocks ADD COLUMN paused_ms BIGINT;  -- since when its sender is waited for
