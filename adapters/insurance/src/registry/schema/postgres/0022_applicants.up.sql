-- As what an applicant acts, and the times that a law sets a dossier, known when it comes: told at 50, 90 and 100
-- percent, once each.
-- No reference: a load of millions takes the other tables' keys away and makes them again.

ALTER TABLE dossiers ADD COLUMN acts_as TEXT COLLATE "C" NOT NULL DEFAULT ''
    CHECK (acts_as IN ('', 'mother', 'father'));

CREATE TABLE dossier_clocks (
    dossier TEXT COLLATE "C" NOT NULL,
    clock TEXT COLLATE "C" NOT NULL CHECK (clock IN ('acknowledge', 'answer')),
    half_ms BIGINT NOT NULL,  -- when half of it is over, milliseconds since 1970
    most_ms BIGINT NOT NULL,  -- when nine tenths are
    due_ms BIGINT NOT NULL,  -- when all of it is
    done_ms BIGINT,  -- none while it runs
    paused_ms BIGINT,  -- since when the applicant is waited for
    told BIGINT NOT NULL CHECK (told IN (0, 50, 90, 100)),  -- the last mark that was told
    next_ms BIGINT,  -- when the next is to be told; none where nothing is to be told any more
    CONSTRAINT dossier_clocks_pkey PRIMARY KEY (dossier, clock)
);
CREATE INDEX dossier_clocks_next ON dossier_clocks (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX dossier_clocks_open ON dossier_clocks (clock, told) WHERE done_ms IS NULL;
CREATE INDEX dossier_clocks_breached ON dossier_clocks (clock) WHERE told = 100;
