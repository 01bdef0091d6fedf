-- compatible-from: 1
-- How far something that we keep up at a partner has come, such as a subscription; nothing of anybody.
CREATE TABLE note (
    partner text NOT NULL,
    name    text NOT NULL,             -- such as follow/death
    version bigint NOT NULL,           -- how often it was written: it changes only for whoever has seen it so
    at      bigint NOT NULL,           -- microseconds since 1970
    content text NOT NULL,
    PRIMARY KEY (partner, name)
) WITH (fillfactor = 50);
