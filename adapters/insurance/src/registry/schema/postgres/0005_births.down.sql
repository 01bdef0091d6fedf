DROP TABLE birth_reviews;
DROP TABLE birth_origins;
