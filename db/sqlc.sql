-- For sqlc alone, which does not know that a table of fts5 has a rowid.
ALTER TABLE search_texts ADD COLUMN rowid INTEGER NOT NULL;
