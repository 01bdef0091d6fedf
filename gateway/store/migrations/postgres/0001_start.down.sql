DROP TABLE refusal_total, refusal_count, standing_order, act, outbox, inbox, detached, journal, chain;
DROP FUNCTION this_chain();
DROP FUNCTION min(bigint, bigint);
DROP FUNCTION iif(boolean, bigint, bigint);
