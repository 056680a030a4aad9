package console

import "net/http"

// Sections are what the pages besides Now and Orders show and ask.
type Sections struct {
	// SQL runs statements on the history.
	SQL SQL
}

// sections has the pages besides Now and Orders.
func (c *console) sections(mux *http.ServeMux) {
	mux.Handle("GET /history", c.member(c.history))
	mux.Handle("POST /history", c.member(c.ask))
	mux.Handle("POST /history.csv", c.member(c.askCSV))
}
