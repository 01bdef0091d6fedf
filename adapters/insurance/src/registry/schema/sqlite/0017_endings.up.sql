-- Children's cards that end soon, as whoever registered the birth was told; a row per last day that was told.

CREATE TABLE card_endings (
    sender      TEXT NOT NULL,
    case_id     TEXT NOT NULL,
    ends_on     TEXT NOT NULL,
    next_object TEXT NOT NULL,     -- the object code that may follow, its level, and from which day
    next_level  INTEGER NOT NULL CHECK (next_level BETWEEN 1 AND 5),
    next_from   TEXT NOT NULL,
    rule        TEXT NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (sender, case_id, ends_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX cards_of_children_by_end ON cards (valid_to) WHERE state = 1 AND number >= 'TE' AND number < 'TF';
