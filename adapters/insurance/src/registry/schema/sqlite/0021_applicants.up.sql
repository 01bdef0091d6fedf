-- As what an applicant acts, and the times that a law sets a dossier, known when it comes: told at 50, 90 and 100
-- percent, once each.

ALTER TABLE dossiers ADD COLUMN acts_as TEXT NOT NULL DEFAULT '' CHECK (acts_as IN ('', 'mother', 'father'));

CREATE TABLE dossier_clocks (
    dossier TEXT NOT NULL REFERENCES dossiers (code),
    clock TEXT NOT NULL CHECK (clock IN ('acknowledge', 'answer')),
    half_ms INTEGER NOT NULL,  -- when half of it is over, milliseconds since 1970
    most_ms INTEGER NOT NULL,  -- when nine tenths are
    due_ms INTEGER NOT NULL,  -- when all of it is
    done_ms INTEGER,  -- none while it runs
    paused_ms INTEGER,  -- since when the applicant is waited for
    told INTEGER NOT NULL CHECK (told IN (0, 50, 90, 100)),  -- the last mark that was told
    next_ms INTEGER,  -- when the next is to be told; none where nothing is to be told any more
    PRIMARY KEY (dossier, clock)
) STRICT, WITHOUT ROWID;
CREATE INDEX dossier_clocks_next ON dossier_clocks (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX dossier_clocks_open ON dossier_clocks (clock, told) WHERE done_ms IS NULL;
CREATE INDEX dossier_clocks_breached ON dossier_clocks (clock) WHERE told = 100;
