package reconcile

import (
	"path"
	"slices"

	"atelierd/internal/order"
)

// adopting is what the adoption of one order is decided from.
type adopting struct {
	// record is what the ledger has now. Since the comparison, a poll may have written
	// some of what was missing.
	record  order.Record
	missing Missing
	pieces  []order.Piece
	// messages are those of the agent in the thread that the outbox has not sent.
	messages []order.Message
	// write returns the message that brings a piece to its client.
	write    func(piece int, links []string) string
	restored bool
}

// adoption returns what is to be written.
func (a adopting) adoption() order.Adoption {
	ad := order.Adoption{OrderID: a.missing.OrderID, Files: a.missing.Files, Restored: a.restored}
	if a.missing.Rounds > 0 && had(a.record) < a.missing.Shown {
		ad.Rounds = a.missing.Shown
	}
	for _, m := range a.messages {
		if at := a.waiting(m, ad.Sent); at > 0 {
			ad.Sent = append(ad.Sent, at)
			continue
		}
		if p, ok := a.piece(m, ad.Pieces); ok {
			ad.Pieces = append(ad.Pieces, p)
		}
	}
	return ad
}

// waiting returns the position of a message of the outbox that the thread shows, or 0.
func (a adopting) waiting(m order.Message, taken []int) int {
	for _, o := range a.record.Outbox {
		if !left(o.State) && o.Body != "" && same(o.Body, m.Text) && !slices.Contains(taken, o.Position) {
			return o.Position
		}
	}
	return 0
}

// piece returns the piece that a message of the thread has brought to the client. The
// text of its template tells which one it is; of several that it fits, the first.
func (a adopting) piece(m order.Message, taken []order.AdoptedPiece) (order.AdoptedPiece, bool) {
	links := order.Links(m.Text)
	if len(links) == 0 {
		return order.AdoptedPiece{}, false
	}
	for _, p := range a.pieces {
		if p.Sent || slices.ContainsFunc(taken, func(t order.AdoptedPiece) bool { return t.Number == p.Number }) {
			continue
		}
		if same(a.write(p.Number, links), m.Text) {
			return order.AdoptedPiece{Number: p.Number, Text: m.Text, Files: filesAt(links), At: m.At}, true
		}
	}
	return order.AdoptedPiece{}, false
}

// filesAt returns the files behind links, with the media type that their names suggest.
func filesAt(links []string) []order.Artifact {
	files := make([]order.Artifact, len(links))
	for i, link := range links {
		files[i] = order.Artifact{Name: path.Base(link), Media: "image", URL: link}
		switch path.Ext(link) {
		case ".mp4", ".webm", ".mov":
			files[i].Media = "video"
		}
	}
	return files
}
