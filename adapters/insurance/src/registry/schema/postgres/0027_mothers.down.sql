DROP INDEX birth_origins_by_mother_key;
CREATE INDEX birth_origins_by_mother_key ON birth_origins (mother_key, birth_date);
