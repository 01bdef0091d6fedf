DROP INDEX certified_groups_decision;
ALTER TABLE certified_groups DROP COLUMN ended_on;
ALTER TABLE certified_groups DROP COLUMN ended_by;
ALTER TABLE certified_groups DROP COLUMN ended_who;
ALTER TABLE certified_groups DROP COLUMN ended_why;
ALTER TABLE certified_groups DROP COLUMN ended_at;
ALTER TABLE contribution_lines DROP COLUMN supported;
