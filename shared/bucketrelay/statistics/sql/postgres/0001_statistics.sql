-- How far the lists have been read: `since` is where counting began, all named before `until` have been read.
CREATE TABLE relay_statistics (
    id integer PRIMARY KEY CHECK (id = 1), since double precision NOT NULL, until double precision NOT NULL, wide double precision NOT NULL, version bigint NOT NULL
);
-- The lists that were read lately, so that none is counted twice; those that could not be read say why.
CREATE TABLE relay_list (stem text PRIMARY KEY, written double precision NOT NULL, error text NOT NULL);
CREATE INDEX relay_list_written ON relay_list (written);
-- What was done in the five minutes from `start` on; where that is 0, ever. `lags` counts copies by their lag in milliseconds.
CREATE TABLE relay_done (
    route text NOT NULL, target text NOT NULL, start bigint NOT NULL,
    copied bigint NOT NULL, deleted bigint NOT NULL, unchanged bigint NOT NULL, forwarded bigint NOT NULL,
    unfinished bigint NOT NULL, failed bigint NOT NULL,
    bytes bigint NOT NULL, causes text NOT NULL, lags text NOT NULL, greatest double precision, newest double precision,
    PRIMARY KEY (route, target, start)
);
CREATE INDEX relay_done_start ON relay_done (start);
-- Keys that are not right (`failed_at`), and those that became right lately.
CREATE TABLE relay_key (
    digest text PRIMARY KEY, route text NOT NULL, target text NOT NULL, right_at double precision, failed_at double precision, wrong text NOT NULL,
    line text NOT NULL
);
CREATE INDEX relay_key_failed ON relay_key (failed_at);
CREATE INDEX relay_key_right ON relay_key (right_at);
