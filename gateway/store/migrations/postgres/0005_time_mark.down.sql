DROP TABLE time_mark;
