-- The latest time that was seen: what was too old once stays too old, though a clock goes back.
CREATE TABLE time_mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL,              -- microseconds since 1970
    act INTEGER NOT NULL               -- the act by which a person last accepted an earlier one; 0: nobody did
) STRICT;
INSERT INTO time_mark VALUES (1, 0, 0);
