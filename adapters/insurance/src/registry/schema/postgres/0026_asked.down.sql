ALTER TABLE birth_reviews DROP COLUMN asked;
