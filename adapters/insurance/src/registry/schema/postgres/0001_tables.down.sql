DROP TABLE changes, effects, counters, dossiers, birth_cases, cards, contributions, employments, employers, numbers,
    people, households, facilities, meta;
DROP SEQUENCE household_ids, people_ids, employer_ids;
