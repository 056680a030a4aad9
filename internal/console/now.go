package console

// nowPage is the first page: is it well, what needs the owner, what is being made.
type nowPage struct{}

func (c *console) now(visit) (page string, f frame, err error) {
	return "now", frame{Title: "Now", Tab: "now", Body: nowPage{}}, nil
}
