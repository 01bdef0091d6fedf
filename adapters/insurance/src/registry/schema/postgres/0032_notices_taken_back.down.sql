DROP INDEX deaths_by_replaced;
DROP INDEX deaths_by_notice;
ALTER TABLE deaths DROP COLUMN replaces_number;
ALTER TABLE deaths DROP COLUMN notice_number;
ALTER TABLE birth_notices DROP COLUMN withdrawn_at;
ALTER TABLE birth_notices DROP COLUMN withdrawn_by;
