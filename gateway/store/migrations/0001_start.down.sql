DROP TABLE refusal_count;
DROP TABLE outbox;
DROP TABLE inbox;
DROP TABLE head;
DROP TABLE journal;
