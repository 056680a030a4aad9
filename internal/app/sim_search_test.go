package app

import "database/sql"

// checkSearch looks for each text that a search has to find under its id in the index, and
// for texts in the index that are gone.
func (w *world) checkSearch(db *sql.DB) {
	const texts = `WITH texts AS (
		SELECT id AS order_id, '' AS message_id, brief AS text FROM orders
		UNION ALL
		SELECT order_id, remote_id, content FROM messages WHERE party <> 'agent' AND remote_id <> '') `
	for what, query := range map[string]string{
		"a search does not find %d texts": texts + `SELECT count(*) FROM texts AS t
			LEFT JOIN search_docs AS d ON d.order_id = t.order_id AND d.message_id = t.message_id
			WHERE length(t.text) > 2 AND NOT EXISTS (SELECT 1 FROM search_texts AS f WHERE f.rowid = d.id
				AND f.text MATCH '"' || replace(substr(t.text, 1, 60), '"', '""') || '"')`,
		"a search finds %d texts that are gone": texts + `SELECT (SELECT count(*) FROM search_docs) - (SELECT count(*) FROM texts)`,
		"the index has %d texts without a name": `SELECT count(*) FROM search_texts_docsize WHERE id NOT IN (SELECT id FROM search_docs)`,
	} {
		var n int
		if err := db.QueryRow(query).Scan(&n); err != nil {
			w.t.Fatal(err)
		}
		if n != 0 {
			w.t.Errorf(what, n)
		}
	}
}
