DROP TABLE birth_notices;
