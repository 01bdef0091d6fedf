-- Hospitals' notices of births: what was told, and whom it was taken for.
CREATE TABLE birth_notices (
    children BIGINT NOT NULL CHECK (children BETWEEN 1 AND 10),
    sex BIGINT NOT NULL CHECK (sex IN (1, 2, 3)),
    outcome BIGINT NOT NULL CHECK (outcome BETWEEN 1 AND 4),
    person BIGINT,  -- none where it is not known which child it is, or nothing was given
    sender TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,  -- of the birth (maGCS): shared by the children of it
    paper TEXT COLLATE "C" NOT NULL,  -- which of several children; empty where there is one
    at TEXT COLLATE "C" NOT NULL,
    facts BYTEA NOT NULL,  -- as it was told
    CONSTRAINT birth_notices_pkey PRIMARY KEY (sender, code, paper)
);
CREATE INDEX birth_notices_by_code ON birth_notices (code);
CREATE UNIQUE INDEX birth_notices_by_person ON birth_notices (person) WHERE person IS NOT NULL;
