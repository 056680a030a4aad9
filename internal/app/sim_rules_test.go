package app

import (
	"database/sql"

	"atelierd/internal/config"
	"atelierd/internal/store/utc"
)

// simPest is the wallet of a client whom the owner blocks in each third life.
const simPest = "Pest"

// clientRules are what the owner allows clients in a life.
func (w *world) clientRules(c *config.Config) {
	switch len(w.margins) % 3 {
	case 1:
		c.Clients.Block = []string{simPest}
	case 2:
		c.Clients.MaxOpen = 2
	}
}

// checkBlocked holds that no call was begun for an order of the blocked client in a life in
// which he is, unless the owner had approved the order.
func (w *world) checkBlocked(db *sql.DB) {
	if w.restores.any() {
		return // an approval may be forgotten
	}
	for _, life := range w.blocked {
		rows := must(db.Query(`SELECT c.began_at, o.id FROM calls AS c JOIN jobs AS j ON j.id = c.job_id JOIN orders AS o ON o.id = j.order_id
			WHERE o.client = ? AND c.began_at >= ? AND c.began_at < ? AND (o.client_approved_at IS NULL OR o.client_approved_at > c.began_at)`,
			simPest, life.from.UTC().Format(utc.Layout), life.to.UTC().Format(utc.Layout)))
		for rows.Next() {
			var at, id string
			w.expect(rows.Scan(&at, &id))
			w.t.Errorf("order %s is of a blocked client, and a call was begun for it at %s", id, at)
		}
		w.expect(rows.Err())
		rows.Close()
	}
}
