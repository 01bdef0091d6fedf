-- compatible-from: 1
-- The latest time that a replica has seen: what was too old once stays too old, though a clock goes back.
CREATE TABLE time_mark (
    one smallint PRIMARY KEY CHECK (one = 1),
    at  bigint NOT NULL,               -- microseconds since 1970
    act bigint NOT NULL                -- the act by which a person last accepted an earlier one; 0: nobody did
) WITH (fillfactor = 50);
INSERT INTO time_mark VALUES (1, 0, 0);
