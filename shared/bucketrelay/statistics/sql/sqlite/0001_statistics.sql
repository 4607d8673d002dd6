-- How far the lists have been read: `since` is where counting began, all named before `until` have been read.
CREATE TABLE relay_statistics (
    id INTEGER PRIMARY KEY CHECK (id = 1), since REAL NOT NULL, until REAL NOT NULL, wide REAL NOT NULL, version INTEGER NOT NULL
);
-- The lists that were read lately, so that none is counted twice; those that could not be read say why.
CREATE TABLE relay_list (stem TEXT PRIMARY KEY, written REAL NOT NULL, error TEXT NOT NULL);
CREATE INDEX relay_list_written ON relay_list (written);
-- What was done in the five minutes from `start` on; where that is 0, ever. `lags` counts copies by their lag in milliseconds.
CREATE TABLE relay_done (
    route TEXT NOT NULL, target TEXT NOT NULL, start INTEGER NOT NULL,
    copied INTEGER NOT NULL, deleted INTEGER NOT NULL, unchanged INTEGER NOT NULL, forwarded INTEGER NOT NULL,
    unfinished INTEGER NOT NULL, failed INTEGER NOT NULL,
    bytes INTEGER NOT NULL, causes TEXT NOT NULL, lags TEXT NOT NULL, greatest REAL, newest REAL,
    PRIMARY KEY (route, target, start)
);
CREATE INDEX relay_done_start ON relay_done (start);
-- Keys that are not right (`failed_at`), and those that became right lately.
CREATE TABLE relay_key (
    digest TEXT PRIMARY KEY, route TEXT NOT NULL, target TEXT NOT NULL, right_at REAL, failed_at REAL, wrong TEXT NOT NULL,
    line TEXT NOT NULL
);
CREATE INDEX relay_key_failed ON relay_key (failed_at);
CREATE INDEX relay_key_right ON relay_key (right_at);
