package console

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

// This file has the pictures of an order: the new ones next to those before.

// mostSharp is the largest picture that a page loads whole. The small one stands for others.
const mostSharp = 8 << 20

// made is what one take has made for a round, or for a piece.
type made struct {
	Kind        order.Kind
	Round, Take int
	Files       []view.File
}

// name names the take in an address, such as 0.2.
func (m made) name() string { return fmt.Sprintf("%d.%d", m.Round, m.Take) }

// title is the take in words.
func (m made) title() string {
	what := fmt.Sprintf("round %d", m.Round)
	if m.Kind == order.KindPiece {
		what = fmt.Sprintf("piece %d", m.Round)
	}
	if m.Take > 1 {
		what += fmt.Sprintf(", take %d", m.Take)
	}
	return what
}

// takesOf returns what was made, the oldest first.
func takesOf(h view.History, kind order.Kind) (list []made) {
	for _, f := range h.Files {
		if f.Kind != kind {
			continue
		}
		at := slices.IndexFunc(list, func(m made) bool { return m.Round == f.Round && m.Take == f.Take })
		if at < 0 {
			at = len(list)
			list = append(list, made{Kind: kind, Round: f.Round, Take: f.Take})
		}
		list[at].Files = append(list[at].Files, f)
	}
	slices.SortStableFunc(list, func(a, b made) int { return cmp.Or(a.Round-b.Round, a.Take-b.Take) })
	return list
}

// pictures are what was made. before names the take that the new one is compared with, or is
// empty for the last one before it.
func (c *console) pictures(h view.History, before string) pictures {
	p := pictures{Title: "Pictures"}
	if len(h.Pieces) > 0 {
		c.pieces(h, &p)
		return p
	}
	p.Objection = objection(h)
	list := takesOf(h, order.KindDelivery)
	p.Making = making(h, len(list) > 0)
	if len(list) == 0 {
		if p.Making == "" && p.Objection == nil {
			p.Title = "" // nothing is to be seen
		}
		return p
	}
	now := list[len(list)-1]
	list = list[:len(list)-1]
	s := subject{Said: instructed(h, now)}
	if len(list) == 0 {
		s.Pairs = c.pairs(now, made{})
	} else {
		at := slices.IndexFunc(list, func(m made) bool { return m.name() == before })
		if at < 0 {
			at = len(list) - 1
		}
		p.Compare, s.Pairs = true, c.pairs(now, list[at])
		c.earlier(h, slices.Delete(list, at, at+1), &p)
	}
	p.Subjects = []subject{s}
	p.Title = titleOf(now.Files)
	return p
}

// titleOf is Files unless all are pictures and films.
func titleOf(files []view.File) string {
	for _, f := range files {
		if kind := kindOf(artifactOf(f)); kind != "picture" && kind != "film" && kind != "gone" {
			return "Files"
		}
	}
	return "Pictures"
}

// pieces are those of a subscription, each with what was made for it before. Those that wait
// for the owner are open.
func (c *console) pieces(h view.History, p *pictures) {
	list := takesOf(h, order.KindPiece)
	p.Title = "Pieces"
	for _, piece := range slices.Backward(h.Pieces) {
		s := subject{Title: fmt.Sprintf("Piece %d", piece.Number), State: pieceState(h, piece)}
		s.Open = s.State.Kind == "need" || len(h.Pieces) == 1
		if piece.Request != "" {
			s.Request = &quoted{Who: "Asked for", Text: piece.Request}
		}
		own := slices.DeleteFunc(slices.Clone(list), func(m made) bool { return m.Round != piece.Number })
		if n := len(own); n > 0 {
			was := made{}
			if n > 1 {
				was, p.Compare = own[n-2], true
				c.earlier(h, own[:n-2], p)
			}
			s.Said, s.Pairs = instructed(h, own[n-1]), c.pairs(own[n-1], was)
		}
		p.Subjects = append(p.Subjects, s)
	}
	for i := range p.Earlier {
		p.Earlier[i].Compare = "" // each piece is compared with its own last take
	}
}

// pieceState is how far a piece is.
func pieceState(h view.History, piece view.Piece) state {
	if piece.Sent {
		return state{"good", "sent"}
	}
	for _, j := range h.Jobs {
		if j.Kind == order.KindPiece && j.Round == piece.Number {
			return jobState(j)
		}
	}
	return state{"work", string(piece.Job)}
}

// jobState is the state of a job in words.
func jobState(j view.Job) state {
	switch j.State {
	case order.JobHeld:
		if j.Code == order.CodeReview {
			return state{"need", "made, and waits for your yes"}
		}
		return state{"need", j.Code.Words()}
	case order.JobFailed:
		return state{"bad", "failed: " + j.Code.Words()}
	case order.JobCancelled:
		return state{"off", "cancelled"}
	case order.JobDone:
		return state{"good", "done"}
	case order.JobLeased:
		return state{"work", atStage[j.Stage]}
	}
	if j.Code != "" {
		return state{"wait", j.Code.Words()}
	}
	return state{"work", "next: " + string(j.Stage)}
}

// atStage is what goes on in a stage.
var atStage = map[order.Stage]string{
	order.StageGenerate: "being made", order.StageUpload: "being uploaded", order.StageDeliver: "being delivered",
	order.StagePrice: "being priced", order.StageQuote: "being quoted", order.StageSend: "being sent", order.StageWrite: "being written",
}

// earlier adds the takes that are neither new nor compared.
func (c *console) earlier(h view.History, list []made, p *pictures) {
	for _, m := range slices.Backward(list) {
		e := earlier{Title: upper(m.title()), Compare: "?before=" + m.name() + "#pictures", Said: instructed(h, m)}
		for i, f := range m.Files {
			e.Files = append(e.Files, c.shownFile(f, fmt.Sprintf("%s, %d of %d", upper(m.title()), i+1, len(m.Files))))
		}
		p.Earlier = append(p.Earlier, e)
	}
	p.EarlierText = plural(len(p.Earlier), "earlier take", "earlier takes")
}

// pairs puts each new file next to the one in its place before.
func (c *console) pairs(now, was made) (list []pair) {
	for i := range max(len(now.Files), len(was.Files)) {
		var p pair
		if i < len(was.Files) {
			p.Before = c.one(was, i, "Before")
			if p.Before.Detail = was.title(); was.Round == now.Round && was.Take == 1 {
				p.Before.Detail += ", take 1"
			}
			if was.Files[i].Width != sizeAt(now.Files, i) {
				p.Before.Detail += ", " + p.Before.Words
			}
		}
		if i < len(now.Files) {
			which := "New"
			if len(was.Files) == 0 {
				which = upper(now.title())
			}
			p.New = c.one(now, i, which)
		}
		list = append(list, p)
	}
	return list
}

func sizeAt(files []view.File, i int) int {
	if i < len(files) {
		return files[i].Width
	}
	return -1
}

// one is a file of a take, with its place among the others.
func (c *console) one(m made, i int, which string) *shownFile {
	label := which
	if len(m.Files) > 1 {
		label = fmt.Sprintf("%s · %d of %d", which, i+1, len(m.Files))
	}
	f := c.shownFile(m.Files[i], fmt.Sprintf("%s, file %d of %s", which, i+1, m.title()))
	f.Label = label
	return &f
}

// shownFile is a file as the page of its order shows it: whole, and sharp if that is not too
// large.
func (c *console) shownFile(f view.File, alt string) shownFile {
	own := c.file(artifactOf(f))
	s := shownFile{Alt: alt, Full: own.Full, Detail: own.Words, Words: own.Words, Tile: own.Tag, Width: f.Width, Height: f.Height}
	switch {
	case own.Kind == "picture" && own.Thumb != "":
		s.Kind, s.Src = "image", own.Thumb
		if own.Full != own.Thumb && f.Bytes <= mostSharp && own.Width > 0 && f.Width > own.Width {
			s.Sizes = fmt.Sprintf("%s %dw, %s %dw", own.Thumb, own.Width, own.Full, f.Width)
		}
	case own.Kind == "film":
		s.Kind, s.Src, s.Poster = "video", own.Full, own.Thumb
	case own.Kind == "gone":
		s.Tile = "no longer kept"
	case own.Kind == "link":
		s.Tile, s.Detail = "a link", f.URL
	}
	return s
}

// instructed is what the owner wanted of a take.
func instructed(h view.History, m made) *quoted {
	for _, t := range h.Takes {
		if t.Kind == m.Kind && t.Round == m.Round && t.Take == m.Take && t.Instructions != "" {
			return &quoted{Who: "You asked the generator for", At: t.OpenedAt, Text: t.Instructions}
		}
	}
	return nil
}

// objection is what the client wrote since the round before this one was delivered; nil
// before the order was sent back.
func objection(h view.History) *quoted {
	if h.Order.Round == 0 {
		return nil
	}
	since := h.Order.CreatedAt
	for _, d := range h.Deliveries {
		if d.Round == h.Order.Round-1 {
			since = d.SentAt
			if d.State == order.DeliveryElsewhere {
				since = h.Order.DeliveredAt
			}
		}
	}
	until := h.Order.Round // of a delivery of this round, later texts are about that one
	q := &quoted{Who: "Sent back for"}
	if h.Order.RemoteStatus == order.Disputed {
		q.Who = "Disputed for"
	}
	var texts []string
	for _, m := range h.Thread.Messages {
		if m.Party != order.PartyClient || m.At.Before(since) || deliveredBefore(h, until, m) {
			continue
		}
		texts, q.At = append(texts, m.Text), m.At
	}
	if q.Text = strings.Join(texts, "\n\n"); q.Text == "" {
		q.Who, q.Text = "Sent back", "The client did not say why."
	}
	return q
}

// deliveredBefore reports whether a round was delivered before a message was written.
func deliveredBefore(h view.History, round int, m view.Message) bool {
	return slices.ContainsFunc(h.Deliveries, func(d view.Delivery) bool {
		return d.Round == round && d.State == order.DeliveryConfirmed && m.At.After(d.SentAt)
	})
}

// making says that files are being made, or will be; "" for neither.
func making(h view.History, some bool) string {
	w, ok := h.Current()
	if !ok || w.Kind != order.KindDelivery || w.Stage != order.StageGenerate {
		return ""
	}
	what := "What is here is made before."
	if !some {
		what = ""
	}
	switch w.State {
	case order.JobLeased:
		return strings.TrimSpace("Being made. " + what)
	case order.JobReady:
		return strings.TrimSpace("Will be made. " + what)
	}
	return ""
}

// upper begins a sentence.
func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// artifactOf is the row of a file.
func artifactOf(f view.File) order.Artifact {
	return order.Artifact{
		ID: f.ID, Kind: f.Kind, Round: f.Round, Take: f.Take, Path: f.Path, Name: f.Name, MIME: f.MIME, Bytes: f.Bytes,
		Width: f.Width, Height: f.Height, SHA256: f.SHA256, Removed: f.RemovedAt,
	}
}
