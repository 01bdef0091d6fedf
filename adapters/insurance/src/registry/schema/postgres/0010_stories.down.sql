DROP INDEX birth_clocks_by_case;
ALTER TABLE birth_clocks DROP COLUMN settled;
