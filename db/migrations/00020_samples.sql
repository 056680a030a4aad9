-- +goose Up

-- A sample that a generator makes for its owner is a call without a job. SQLite cannot
-- take NOT NULL from a column, so the two columns are made again.
DROP INDEX calls_job;
ALTER TABLE calls ADD COLUMN job INTEGER REFERENCES jobs (id);
ALTER TABLE calls ADD COLUMN attempt INTEGER REFERENCES attempts (id); -- the one that began it, which carries its cost
UPDATE calls SET job = job_id, attempt = attempt_id;
ALTER TABLE calls DROP COLUMN job_id;
ALTER TABLE calls DROP COLUMN attempt_id;
ALTER TABLE calls RENAME COLUMN job TO job_id;
ALTER TABLE calls RENAME COLUMN attempt TO attempt_id;
CREATE INDEX calls_job ON calls (job_id);

-- What a sample is made from, as JSON. '' is the call of a job.
ALTER TABLE calls ADD COLUMN sample TEXT NOT NULL DEFAULT '' CHECK ((sample = '') = (job_id IS NOT NULL));
-- A generator has one open sample at most.
CREATE UNIQUE INDEX calls_open_sample ON calls (generator) WHERE job_id IS NULL AND state IN ('calling', 'submitted');
CREATE INDEX calls_samples ON calls (began_at) WHERE job_id IS NULL;
