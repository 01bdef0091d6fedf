DROP TABLE birth_clocks;
