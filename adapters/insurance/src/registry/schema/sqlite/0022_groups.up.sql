-- Who belongs to a group that the state supports, by the decision that certified it.

CREATE TABLE certified_groups (
    person INTEGER NOT NULL REFERENCES people (id),
    grp TEXT NOT NULL CHECK (grp IN ('poor', 'island', 'near-poor', 'farming')),
    decision TEXT NOT NULL,
    from_on TEXT NOT NULL,
    to_on TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (person, grp, decision)
) STRICT, WITHOUT ROWID;
