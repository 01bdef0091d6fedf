DROP TABLE certified_groups;
