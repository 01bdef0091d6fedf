-- Who belongs to a group that the state supports, by the decision that certified it.
-- No reference: a load of millions takes the other tables' keys away and makes them again.

CREATE TABLE certified_groups (
    person BIGINT NOT NULL,
    grp TEXT COLLATE "C" NOT NULL CHECK (grp IN ('poor', 'island', 'near-poor', 'farming')),
    decision TEXT COLLATE "C" NOT NULL,
    from_on TEXT COLLATE "C" NOT NULL,
    to_on TEXT COLLATE "C" NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" NOT NULL,
    at TEXT COLLATE "C" NOT NULL,
    CONSTRAINT certified_groups_pkey PRIMARY KEY (person, grp, decision)
);
