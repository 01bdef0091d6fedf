-- Corrections of births, each a new message that names the case it corrects; with the birth itself they are its history.
CREATE TABLE birth_corrections (
    sender TEXT NOT NULL,
    case_id TEXT NOT NULL,
    corrects TEXT NOT NULL,  -- the sender's birth case
    nth INTEGER NOT NULL,  -- of that case, from 1
    person INTEGER NOT NULL REFERENCES people (id),
    facts BLOB NOT NULL,  -- the request without its context: what was said, all of it
    print INTEGER NOT NULL,  -- the card's new print; 0 where nothing that is printed changed
    at TEXT NOT NULL,
    PRIMARY KEY (sender, case_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX birth_corrections_in_order ON birth_corrections (sender, corrects, nth);
