package app

import "database/sql"

// checkBooks compares the books with the attempts and calls, each day of each order, and
// each day of the samples.
func (w *world) checkBooks(db *sql.DB) {
	rows := must(db.Query(`
		SELECT day, id, sum(cost), sum(lost), sum(attempts) FROM (
			SELECT day, order_id AS id, cost_usd_micros AS cost, lost_usd_micros AS lost, attempts FROM books
			UNION ALL
			SELECT substr(a.started_at, 1, 10), j.order_id, -a.cost_usd_micros, 0, -(a.cost_usd_micros > 0)
			FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
			UNION ALL
			SELECT substr(coalesce(a.started_at, c.began_at), 1, 10), coalesce(j.order_id, ''),
			       CASE WHEN c.job_id IS NULL THEN -c.cost_usd_micros ELSE 0 END,
			       CASE WHEN c.state IN ('failed', 'refused', 'expired', 'unknown') THEN -c.cost_usd_micros ELSE 0 END,
			       CASE WHEN c.job_id IS NULL THEN -(c.cost_usd_micros > 0) ELSE 0 END
			FROM calls AS c LEFT JOIN attempts AS a ON a.id = c.attempt_id LEFT JOIN jobs AS j ON j.id = c.job_id)
		GROUP BY day, id HAVING sum(cost) <> 0 OR sum(lost) <> 0 OR sum(attempts) <> 0`))
	defer rows.Close()
	for rows.Next() {
		var day, id string
		var cost, lost, attempts int
		if err := rows.Scan(&day, &id, &cost, &lost, &attempts); err != nil {
			w.t.Fatal(err)
		}
		w.t.Errorf("the books have %d micros more cost, %d more lost and %d more attempts of order %q on %s than its attempts and calls", cost, lost, attempts, id, day)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
}
