DROP TABLE replaced_notices;
