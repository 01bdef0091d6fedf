-- The time that the law gives each birth, known when it comes: told at 50, 90 and 100 percent, once each.
CREATE TABLE birth_clocks (
    sender TEXT NOT NULL,
    case_id TEXT NOT NULL,
    province TEXT NOT NULL,  -- of the child's residence, by the list of the day of receipt
    counted_on TEXT NOT NULL,  -- the day that counts as the day of receipt
    half_ms INTEGER NOT NULL,  -- when half of it is over, milliseconds since 1970
    most_ms INTEGER NOT NULL,  -- when nine tenths are
    due_ms INTEGER NOT NULL,  -- when all of it is
    done_ms INTEGER,  -- none while the case is open
    told INTEGER NOT NULL CHECK (told IN (0, 50, 90, 100)),  -- the last mark that was told
    next_ms INTEGER,  -- when the next is to be told; none where nothing is to be told any more
    PRIMARY KEY (sender, case_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX birth_clocks_by_day ON birth_clocks (counted_on);
CREATE INDEX birth_clocks_next ON birth_clocks (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX birth_clocks_open ON birth_clocks (told) WHERE done_ms IS NULL;
CREATE INDEX birth_clocks_breached ON birth_clocks (due_ms) WHERE told = 100;
