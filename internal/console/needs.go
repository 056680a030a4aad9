package console

import (
	"cmp"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

// This file turns what needs the owner into rows, the most urgent first.

// needsOf returns the rows of what needs the owner.
func needsOf(n view.Overview, covers map[string]file) (rows []need) {
	own := map[string]bool{} // the orders with a row that has their deadline
	for _, need := range n.Needs {
		own[need.ID] = own[need.ID] || !need.Due().IsZero() && need.Code != order.AlertDeadline.Code()
	}
	main := false
	for _, a := range n.Needs {
		if a.Code == order.AlertDeadline.Code() && own[a.ID] {
			continue
		}
		r := need{Since: a.Since, Hint: a.Hint, Key: strings.Join([]string{a.What, url.PathEscape(a.ID), url.PathEscape(string(a.Code))}, " ")}
		if a.OfOrder() {
			orderNeed(&r, a)
			r.Picture = tileOf(covers, a.ID)
			if text := n.Wrote[a.ID]; text != "" && (a.Code == order.AlertUnanswered.Code() || a.Code == order.CodeDraft) {
				r.Words = firstLine(text)
			}
		} else {
			machineNeed(&r, a.Attention)
		}
		if !main && a.Code == order.CodeReview && r.Link != "" {
			r.Main, main = true, true
		}
		rows = append(rows, r)
	}
	return rows
}

// orderNeed fills the row of something about an order. Rows that are only counted have less.
func orderNeed(r *need, a view.Need) {
	row := view.Line{ID: a.ID}
	if a.Order != nil {
		row = *a.Order
	}
	at := orderURL(row.ID)
	service := cmp.Or(row.Service, "An order")
	r.Words, r.Foreign = firstLine(row.Brief), true
	r.Icon = "rays"
	r.Link, r.Verb, r.Hint = at, "Look at it", ""
	price := "no price yet"
	if row.PriceUSD != "" {
		price, _ = money(row.PriceUSD) // it is one
	}
	r.Facts = []string{price, shortID(row.ID)}
	r.Due = a.Due()
	switch {
	case a.Code == order.AlertUnanswered.Code():
		r.Title, r.Verb, r.Link, r.Due = "A client waits for an answer", "Reply", at+"#thread", time.Time{}
		r.Facts[0] = service
	case a.Code == order.AlertDeadline.Code():
		r.Title = service + " is due soon, and not delivered"
	case a.Code == order.CodePayoutFailed:
		r.Title, r.Link = "A payout failed", "/money"
	case a.Code == order.CodeDraft:
		r.Title, r.Verb, r.Link, r.Due = "A reply waits for your yes", "Read it", at+"#thread", time.Time{}
		r.Facts[0] = service
	case a.What == "message":
		r.Title, r.Words, r.Link = "A message could not be sent", a.Reason, at+"#thread"
	case a.What == "thread":
		r.Title, r.Words, r.Foreign, r.Link = "A thread is "+a.State, a.Reason, false, at+"#thread"
	case a.Code == order.CodeReview || a.Code == order.CodeDryRun:
		r.Title, r.Verb = service+" waits for your yes", "Review"
	case a.Code == order.CodeQuoteNeeded:
		r.Title, r.Verb, r.Link, r.Icon = service+" waits for a price", "Name a price", at+"#quote", "tag"
	case a.Code == order.CodeNoService:
		r.Title, r.Words, r.Verb, r.Link, r.Icon = "No service fits an order", a.Reason, "Assign…", at+"#assign", "question"
	default:
		r.Title, r.Words = service+": "+reasonWords(a.Attention), a.Reason
	}
	if r.Icon == "rays" && (a.State == "failed" || a.State == "failing") {
		r.Icon = "warn"
	}
}

// reasonWords are the words for why something is held or has failed.
func reasonWords(a view.Attention) string {
	if a.Code == "" {
		return a.State
	}
	return a.Code.Words()
}

// machineNeed fills the row of what is no order.
func machineNeed(r *need, a view.Attention) {
	r.Icon, r.Words, r.Foreign = "warn", a.Reason, true // a provider may have said why
	switch {
	case a.Code == order.AlertPaused.Code():
		r.Title, r.Icon, r.Verb, r.Form, r.Hint = "All work is paused", "pause", "Resume", "/resume", ""
	case a.Code == order.AlertServicePaused.Code():
		r.Title, r.Icon, r.Verb, r.Link, r.Hint = a.ID+" is paused", "pause", "To the services", "/services", ""
	case a.Code == order.CodeListingDiffers:
		r.Title, r.Icon, r.Verb, r.Link, r.Hint = "A listing differs: "+a.ID, "services", "See the plan", "/services", ""
	case a.What == "service":
		r.Title, r.Icon, r.Verb, r.Link = a.ID+" is not on sale", "services", "To the services", "/services"
	case a.What == "generator" && a.Code == order.GeneratorAlert(a.ID).Code():
		r.Title, r.Icon, r.Verb, r.Link, r.Hint = "Generator "+a.ID+" is paused", "pause", "Look at it", "/generators#"+url.PathEscape(a.ID), ""
		if len(a.Services) > 0 {
			r.Facts = append(r.Facts, "not listed until it works: "+strings.Join(a.Services, ", "))
		}
	case a.What == "generator" || a.What == "sample":
		r.Title, r.Verb, r.Link = upper(a.What+" "+a.ID+": "+reasonWords(a)), "Look at it", "/generators#"+url.PathEscape(a.ID)
	case a.Code == order.AlertPayout.Code():
		r.Title, r.Verb, r.Link = "Payouts are overdue", "Look at it", "/money"
	case a.Code == order.AlertSpending.Code():
		r.Title, r.Verb, r.Link = "The cap of the day is reached", "Look at it", "/money"
	default:
		what, state := a.Subject()
		r.Title = upper(what + " " + state)
	}
}

// orderURL is the address of an order's page.
func orderURL(id string) string { return "/orders/" + url.PathEscape(id) }

// shortID is the end of an id, by which a search finds it.
func shortID(id string) string {
	if n := utf8.RuneCountInString(id); n > 8 {
		return string([]rune(id)[n-8:])
	}
	return id
}

// tileOf is the picture of an order; nil for none.
func tileOf(covers map[string]file, id string) *picture {
	f, ok := covers[id]
	if !ok {
		return nil
	}
	p := f.Tile()
	return &p
}
