package console

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

// This file turns what needs the owner into rows, the most urgent first.

// The ranks of needs. Within one, what has a deadline comes by that, the rest by its age.
const (
	rankDue = iota
	rankClient
	rankPrice
	rankMoney
	rankMachine
)

// ranked is a need with its place.
type ranked struct {
	need
	rank int
	id   string // of the order; "" for none
	code order.Code
}

// needs returns the rows of what needs the owner.
func needsOf(n view.Overview, covers map[string]file) []need {
	var list []ranked
	for _, a := range n.Attention {
		r := ranked{need: need{Since: a.Since, Hint: a.Hint}, code: a.Code, rank: rankMachine}
		if row, ok := n.Subjects[a.ID]; ok {
			orderNeed(&r, a, row)
			r.Picture = tileOf(covers, row.ID)
		} else {
			machineNeed(&r, a)
		}
		r.Key = strings.Join([]string{a.What, url.PathEscape(a.ID), url.PathEscape(string(a.Code))}, " ")
		list = append(list, r)
	}
	// An order that is due soon, or that the client waits for, has its deadline in its own row.
	list = slices.DeleteFunc(list, func(r ranked) bool {
		return r.code == order.AlertDeadline.Code() && slices.ContainsFunc(list, func(o ranked) bool { return o.id == r.id && o.code != r.code && o.rank == rankDue })
	})
	slices.SortStableFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), a.when().Compare(b.when()))
	})
	rows := make([]need, len(list))
	main := false
	for i, r := range list {
		rows[i] = r.need
		if !main && r.code == order.CodeReview && r.Link != "" {
			rows[i].Main, main = true, true
		}
	}
	return rows
}

func (r ranked) when() time.Time {
	if !r.Due.IsZero() {
		return r.Due
	}
	return r.Since
}

// orderNeed fills the row of something about an order.
func orderNeed(r *ranked, a view.Attention, row view.Row) {
	at := orderURL(row.ID)
	service := cmp.Or(row.Service, "An order")
	r.id, r.Words, r.Foreign = row.ID, firstLine(row.Brief), true
	r.Icon = "rays"
	r.Link, r.Verb, r.Hint = at, "Look at it", ""
	price := "no price yet"
	if row.PriceUSD != "" {
		price, _ = money(row.PriceUSD) // it is one
	}
	r.Facts = []string{price, shortID(row.ID)}
	r.Due, r.rank = row.DueAt, rankDue
	switch {
	case a.Code == order.AlertUnanswered.Code():
		r.Title, r.Verb, r.Link, r.rank, r.Due = "A client waits for an answer", "Reply", at+"#thread", rankClient, time.Time{}
		r.Facts[0] = service
	case a.Code == order.AlertDeadline.Code():
		r.Title = service + " is due soon, and not delivered"
	case a.Code == order.CodePayoutFailed:
		r.Title, r.rank, r.Due, r.Link = "A payout failed", rankMoney, time.Time{}, "/money"
	case a.What == "message":
		r.Title, r.Words, r.Link = "A message could not be sent", a.Reason, at+"#thread"
	case a.What == "thread":
		r.Title, r.Words, r.Foreign, r.rank, r.Due, r.Link = "A thread is "+a.State, a.Reason, false, rankMachine, time.Time{}, at+"#thread"
	case a.Code == order.CodeReview || a.Code == order.CodeDryRun:
		r.Title, r.Verb = service+" waits for your yes", "Review"
	case a.Code == order.CodeQuoteNeeded:
		r.Title, r.Verb, r.Link, r.Icon, r.rank = service+" waits for a price", "Name a price", at+"#quote", "tag", rankPrice
	case a.Code == order.CodeNoService:
		r.Title, r.Words, r.Verb, r.Link, r.Icon = "No service fits an order", a.Reason, "Assign…", at+"#assign", "question"
	default:
		r.Title, r.Words = service+": "+reasonWords(a), a.Reason
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
func machineNeed(r *ranked, a view.Attention) {
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
		r.Title, r.rank, r.Verb, r.Link = "Payouts are overdue", rankMoney, "Look at it", "/money"
	case a.Code == order.AlertSpending.Code():
		r.Title, r.rank, r.Verb, r.Link = "The cap of the day is reached", rankMoney, "Look at it", "/money"
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
