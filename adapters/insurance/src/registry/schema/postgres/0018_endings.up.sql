-- Children's cards that end soon, as whoever registered the birth was told; a row per last day that was told.

CREATE TABLE card_endings (
    sender      TEXT COLLATE "C" NOT NULL,
    case_id     TEXT COLLATE "C" NOT NULL,
    ends_on     TEXT COLLATE "C" NOT NULL,
    next_object TEXT COLLATE "C" NOT NULL,     -- the object code that may follow, its level, and from which day
    next_level  BIGINT NOT NULL CHECK (next_level BETWEEN 1 AND 5),
    next_from   TEXT COLLATE "C" NOT NULL,
    rule        TEXT COLLATE "C" NOT NULL,
    at          TEXT COLLATE "C" NOT NULL,
    CONSTRAINT card_endings_pkey PRIMARY KEY (sender, case_id, ends_on)
);
CREATE INDEX cards_of_children_by_end ON cards (valid_to) WHERE state = 1 AND number >= 'TE' AND number < 'TF';
