-- A list that is taken back: from when on it does not count, by which decision, who said so and why. And of whom a quote
-- tells a group.

ALTER TABLE certified_groups ADD COLUMN ended_on TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE certified_groups ADD COLUMN ended_by TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE certified_groups ADD COLUMN ended_who TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE certified_groups ADD COLUMN ended_why TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE certified_groups ADD COLUMN ended_at TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX certified_groups_decision ON certified_groups (decision, grp);
ALTER TABLE contribution_lines ADD COLUMN supported BIGINT NOT NULL DEFAULT 0;
