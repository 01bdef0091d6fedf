-- How far something that we keep up at a partner has come, such as a subscription; nothing of anybody.
CREATE TABLE note (
    partner TEXT NOT NULL,
    name    TEXT NOT NULL,             -- such as follow/death
    version INTEGER NOT NULL,          -- how often it was written: it changes only for whoever has seen it so
    at      INTEGER NOT NULL,          -- microseconds since 1970
    content TEXT NOT NULL,
    PRIMARY KEY (partner, name)
) STRICT, WITHOUT ROWID;
