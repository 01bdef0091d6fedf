DROP INDEX cards_of_children_by_end;
DROP TABLE card_endings;
