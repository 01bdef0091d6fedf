-- A mother's name is looked for among the children of a day whose mothers' PINs nobody told: where many mothers of one name
-- had children on one day, no row of another is read.

DROP INDEX birth_origins_by_mother_key;
CREATE INDEX birth_origins_by_mother_key ON birth_origins (mother_key, birth_date, mother_pin);
