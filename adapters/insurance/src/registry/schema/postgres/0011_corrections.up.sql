-- Corrections of births, each a new message that names the case it corrects; with the birth itself they are its history.
CREATE TABLE birth_corrections (
    sender TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    corrects TEXT COLLATE "C" NOT NULL,  -- the sender's birth case
    nth BIGINT NOT NULL,  -- of that case, from 1
    person BIGINT NOT NULL,
    facts BYTEA NOT NULL,  -- the request without its context: what was said, all of it
    print BIGINT NOT NULL,  -- the card's new print; 0 where nothing that is printed changed
    at TEXT COLLATE "C" NOT NULL,
    CONSTRAINT birth_corrections_pkey PRIMARY KEY (sender, case_id)
);
CREATE UNIQUE INDEX birth_corrections_in_order ON birth_corrections (sender, corrects, nth);
