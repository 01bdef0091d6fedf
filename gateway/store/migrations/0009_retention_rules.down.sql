ALTER TABLE retained DROP COLUMN rules;
