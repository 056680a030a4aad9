package console

import "net/http"

// nowPage is the first page: is it well, what needs the owner, what is being made.
type nowPage struct{}

func (c *console) now(w http.ResponseWriter, v visit) {
	c.render(w, v, "now", frame{Title: "Now", Tab: "now", Body: nowPage{}})
}
