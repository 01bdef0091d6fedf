-- Every key, index and reference. Each promise of the SQLite file is here too, under the same name where it
-- has one.

ALTER TABLE meta ADD CONSTRAINT meta_pkey PRIMARY KEY (name);
ALTER TABLE facilities ADD CONSTRAINT facilities_pkey PRIMARY KEY (code);
ALTER TABLE households ADD CONSTRAINT households_pkey PRIMARY KEY (id);

ALTER TABLE people ADD CONSTRAINT people_pkey PRIMARY KEY (id);
CREATE INDEX people_by_birth_and_name ON people (birth_date, match_key);

ALTER TABLE numbers ADD CONSTRAINT numbers_pkey PRIMARY KEY (number, scheme);
CREATE INDEX numbers_by_person ON numbers (person, scheme);
-- one SI number for life
CREATE UNIQUE INDEX one_si_number ON numbers (person) WHERE scheme = 'si';

ALTER TABLE employers ADD CONSTRAINT employers_pkey PRIMARY KEY (id);
ALTER TABLE employers ADD CONSTRAINT employers_mst UNIQUE (mst);
ALTER TABLE employers ADD CONSTRAINT employers_unit_code UNIQUE (unit_code);
ALTER TABLE employments ADD CONSTRAINT employments_pkey PRIMARY KEY (person, from_period);
ALTER TABLE contributions ADD CONSTRAINT contributions_pkey PRIMARY KEY (employer, period);

ALTER TABLE cards ADD CONSTRAINT cards_pkey PRIMARY KEY (person, number, serial);
CREATE UNIQUE INDEX one_valid_print ON cards (person, number) WHERE state = 1;

ALTER TABLE birth_cases ADD CONSTRAINT birth_cases_pkey PRIMARY KEY (sender, case_id);
ALTER TABLE dossiers ADD CONSTRAINT dossiers_pkey PRIMARY KEY (code);
ALTER TABLE dossiers ADD CONSTRAINT dossiers_of_owner UNIQUE (owner, foreign_id);
CREATE INDEX dossiers_moving ON dossiers (updated_at, code) WHERE state IN (1, 2, 4, 9);
ALTER TABLE counters ADD CONSTRAINT counters_pkey PRIMARY KEY (name);
ALTER TABLE effects ADD CONSTRAINT effects_pkey PRIMARY KEY (key);

ALTER TABLE changes ADD CONSTRAINT changes_pkey PRIMARY KEY (seq);
ALTER TABLE changes ADD CONSTRAINT changes_id UNIQUE (id);
ALTER TABLE changes ADD CONSTRAINT changes_in_order UNIQUE (partner, subject, subject_sequence);
CREATE INDEX changes_open ON changes (seq) WHERE acked_at IS NULL;

ALTER TABLE people ADD CONSTRAINT people_household FOREIGN KEY (household) REFERENCES households (id);
ALTER TABLE numbers ADD CONSTRAINT numbers_person FOREIGN KEY (person) REFERENCES people (id);
ALTER TABLE employments ADD CONSTRAINT employments_person FOREIGN KEY (person) REFERENCES people (id);
ALTER TABLE employments ADD CONSTRAINT employments_employer FOREIGN KEY (employer) REFERENCES employers (id);
ALTER TABLE contributions ADD CONSTRAINT contributions_employer FOREIGN KEY (employer) REFERENCES employers (id);
ALTER TABLE cards ADD CONSTRAINT cards_person FOREIGN KEY (person) REFERENCES people (id);
ALTER TABLE cards ADD CONSTRAINT cards_facility FOREIGN KEY (facility) REFERENCES facilities (code);
ALTER TABLE birth_cases ADD CONSTRAINT birth_cases_person FOREIGN KEY (person) REFERENCES people (id);
ALTER TABLE dossiers ADD CONSTRAINT dossiers_person FOREIGN KEY (person) REFERENCES people (id);
