-- compatible-from: 1
-- Signed heads of the chains, and the time-stamps over them. An older build writes none and erases nothing.
CREATE TABLE checkpoint (
    last        bigint PRIMARY KEY,    -- the newest record that it covers
    writer      text  NOT NULL,
    text        bytea NOT NULL,        -- what is signed
    signature   bytea NOT NULL,
    certificate bytea NOT NULL,        -- the signer's, DER
    token       bytea,                 -- RFC 3161, DER
    authority   text                   -- which of the configured ones gave it
);
CREATE INDEX checkpoint_unstamped ON checkpoint (last) WHERE token IS NULL;

-- What may not be erased: a message's evidence id, or all of a partner.
CREATE TABLE legal_hold (
    target text COLLATE "C" PRIMARY KEY,
    act    bigint NOT NULL
);

-- How far retention has come, by how long it keeps.
CREATE TABLE retained (
    seconds bigint NOT NULL,
    chain   bigint NOT NULL,
    seq     bigint NOT NULL,
    PRIMARY KEY (seconds, chain)
);
