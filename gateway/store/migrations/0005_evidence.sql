-- Signed heads of the chain, and the time-stamps over them.
CREATE TABLE checkpoint (
    last        INTEGER PRIMARY KEY,   -- the newest record that it covers
    writer      TEXT NOT NULL,
    text        BLOB NOT NULL,         -- what is signed
    signature   BLOB NOT NULL,
    certificate BLOB NOT NULL,         -- the signer's, DER
    token       BLOB,                  -- RFC 3161, DER
    authority   TEXT                   -- which of the configured ones gave it
) STRICT;
CREATE INDEX checkpoint_unstamped ON checkpoint (last) WHERE token IS NULL;

-- What may not be erased: a message's evidence id, or all of a partner.
CREATE TABLE legal_hold (
    target TEXT PRIMARY KEY,
    act    INTEGER NOT NULL REFERENCES journal (seq)
) STRICT;

-- How far retention has come, by how long it keeps.
CREATE TABLE retained (
    seconds INTEGER NOT NULL,
    chain   INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (seconds, chain)
) STRICT;
