package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// This file does what the forms of an order ask for. Each is one action of package owner,
// on what its page has shown.

// orderActs are the actions on an order by the last part of their address.
var orderActs = map[string]func(ctx context.Context, a *owner.Actions, id string, form url.Values) error{
	"approve": func(ctx context.Context, a *owner.Actions, id string, _ url.Values) error {
		return a.Approve(ctx, id, takeBackTime)
	},
	"takeback": func(ctx context.Context, a *owner.Actions, id string, _ url.Values) error { return a.TakeBack(ctx, id) },
	"retry":    func(ctx context.Context, a *owner.Actions, id string, _ url.Values) error { return a.Retry(ctx, id) },
	"redo": func(ctx context.Context, a *owner.Actions, id string, form url.Values) error {
		piece, err := strconv.Atoi(form.Get("piece"))
		if form.Get("piece") != "" && err != nil {
			return &owner.InputError{Err: errors.New("there is no such piece")}
		}
		want := order.Redo{Piece: piece, Instructions: strings.TrimSpace(form.Get("instructions")), FromThese: form.Get("from_these") != ""}
		for _, text := range form["file"] {
			n, err := strconv.Atoi(text)
			if err != nil {
				return &owner.InputError{Err: errors.New("there is no such file")}
			}
			want.Files = append(want.Files, n)
		}
		if want.Instructions == "" {
			return &owner.InputError{Err: errors.New("say what should be different")}
		}
		return a.Redo(ctx, id, want)
	},
	"cancel": func(ctx context.Context, a *owner.Actions, id string, form url.Values) error {
		return a.Cancel(ctx, id, cut(200, strings.TrimSpace(form.Get("reason"))))
	},
	"quote": func(ctx context.Context, a *owner.Actions, id string, form url.Values) error {
		return a.Quote(ctx, id, strings.TrimPrefix(strings.TrimSpace(form.Get("price")), "$"))
	},
	"assign": func(ctx context.Context, a *owner.Actions, id string, form url.Values) error {
		_, err := a.Assign(ctx, id, form.Get("service"))
		return err
	},
	"resubmit": func(ctx context.Context, a *owner.Actions, id string, _ url.Values) error {
		return a.Resubmit(ctx, id, nil)
	},
	"read": func(_ context.Context, a *owner.Actions, id string, _ url.Values) error { return a.ReadThread(id) },
	"discard": func(ctx context.Context, a *owner.Actions, id string, _ url.Values) error {
		return a.DiscardDraft(ctx, id)
	},
	"reply": func(ctx context.Context, a *owner.Actions, id string, form url.Values) error {
		return a.Reply(ctx, id, strings.ReplaceAll(form.Get("text"), "\r\n", "\n"), form.Get("if"))
	},
}

// unseen are the actions that decide on nothing that a page shows.
var unseen = map[string]bool{"takeback": true, "read": true}

// actions are the owner's, by whoever asks.
func (c *console) actions(v visit) *owner.Actions { return c.Owner.As(order.Console(v.who.Name)) }

// actOnOrder does what a form asks for, and leads on. What it cannot do is a sentence on the
// page, and what was typed stays typed.
func (c *console) actOnOrder(w http.ResponseWriter, v visit) {
	id, name := v.PathValue("id"), v.PathValue("act")
	do, ok := orderActs[name]
	if !ok {
		c.notFound(w, v)
		return
	}
	seen, err := order.ParseFingerprint(v.PostForm.Get("if"))
	switch {
	case unseen[name]:
		seen = ""
	case err != nil:
		err = &owner.InputError{Err: errors.New("the form does not say what it was made for; load the page again")}
	}
	if err == nil || unseen[name] {
		err = do(v.Context(), c.actions(v).If(seen), id, v.PostForm)
	}
	if err != nil {
		c.refused(w, v, name, err)
		return
	}
	if c.Wake != nil {
		c.Wake()
	}
	http.Redirect(w, v.Request, c.onward(v, id, name), http.StatusSeeOther)
}

// onward is where an action leads: to the next order that needs the owner after a decision,
// else to the order itself.
func (c *console) onward(v visit, id, name string) string {
	self := orderURL(id)
	q := "?done=" + name
	switch name {
	case "reply", "read", "discard":
		return self + q + "#thread"
	case "takeback":
		return self + q
	}
	next, _, err := c.nextNeed(v, id)
	if err != nil || next == "" {
		return self + q
	}
	next, at, _ := strings.Cut(next, "#")
	if at != "" {
		at = "#" + at
	}
	return next + q + "&of=" + url.QueryEscape(id) + at
}

// dones say what an action did to another order.
var dones = map[string]string{
	"approve": "is approved.", "redo": "is made again.", "retry": "goes on.", "cancel": "is cancelled by you.",
	"quote": "has your price.", "assign": "has its service.", "resubmit": "is made again and replaced.",
}

// did says what an action did. In an address, done is the action, and of the order unless
// that is the one of the page.
func (c *console) did(v visit, h view.History) (list []orderNote, err error) {
	q := v.URL.Query()
	done, of := q.Get("done"), q.Get("of")
	_, known := dones[done]
	switch {
	case done == "takeback":
		return []orderNote{{Kind: "good", Head: "Taken back.", Text: "Nothing was sent. It waits for you again."}}, nil
	case done == "reply":
		return []orderNote{{Kind: "good", Head: "Your message is on its way."}}, nil
	case done == "discard":
		return []orderNote{{Kind: "good", Head: "The draft is discarded.", Text: "The client got nothing."}}, nil
	case done == "read":
		return []orderNote{{Kind: "good", Head: "The thread is read next.", Text: "That takes a request, and waits for one if none is left. This page shows it then."}}, nil
	case !known:
		return nil, nil
	case of == "" || of == h.Order.ID:
		if done == "approve" {
			return nil, nil // the state says it, or the bar to take it back
		}
		return []orderNote{{Kind: "good", Text: "The order " + afterwards(h, done)}}, nil
	}
	other, err := c.View.Order(v.Context(), of)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	n := orderNote{Kind: "good", Text: other.Order.Service + " " + shortID(other.Order.ID) + " " + afterwards(other, done), Link: orderURL(other.Order.ID), LinkText: "Show it"}
	if at := approvedUntil(other, c.format.now()); !at.IsZero() && done == "approve" && v.who.Role == access.Owner {
		f := forms{c: c, v: v, h: other}
		undo := f.act("takeback", "Take it back")
		undo.Busy, n.At, n.Undo, n.Link = "Taking it back…", at, &undo, ""
	}
	return []orderNote{n}, nil
}

// afterwards is what an action did to an order. A retry sends nothing that waits for approval.
func afterwards(h view.History, done string) string {
	if o := h.Order; done == "retry" && o.State == order.StateHeld && o.Code == order.CodeReview {
		return "waits for your yes."
	}
	return dones[done]
}

// refused shows the page of the order with why nothing was done.
func (c *console) refused(w http.ResponseWriter, v visit, name string, err error) {
	form := v.PostForm
	was := typed{
		act: name, instructions: form.Get("instructions"), price: form.Get("price"), text: form.Get("text"),
		reason: form.Get("reason"), service: form.Get("service"), fromThese: form.Get("from_these") != "", files: form["file"],
	}
	was.piece, _ = strconv.Atoi(form.Get("piece")) // one that is none was refused
	status, n := http.StatusConflict, orderNote{Kind: "need", Head: "Nothing was done.", Link: orderURL(v.PathValue("id")), LinkText: "Show it"}
	input, wrong := errors.AsType[*owner.InputError](err)
	changed, conflict := errors.AsType[*order.ChangedError](err)
	switch {
	case errors.Is(err, store.ErrNotFound):
		c.notFound(w, v)
		return
	case wrong:
		status, n.Text, n.Link = http.StatusUnprocessableEntity, sentence(input.Error()), ""
	case conflict:
		n.Text = sentence(changed.What)
	case isFault(err):
		c.fail(w, v.Request, err)
		return
	default:
		n.Text = sentence(err.Error())
	}
	page, f, err := c.orderPage(v, was)
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	p, _ := f.Body.(orderPage) // orderPage makes no other
	p.Notes = append([]orderNote{n}, p.Notes...)
	f.Body = p
	if err := c.complete(v, &f); err != nil {
		c.fail(w, v.Request, err)
		return
	}
	c.write(w, v.Request, status, page, f)
}

// isFault reports whether an error is no refusal but a failure of this machine.
func isFault(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// nextNeed returns the address of what needs the owner after an order, among orders and
// round again, and which of how many it is. It is "" if no other order does.
func (c *console) nextNeed(v visit, id string) (next, place string, err error) {
	s, err := c.snapshot(v.Context())
	if err != nil {
		return "", "", err
	}
	of := func(n need) string { address, _, _ := strings.Cut(n.Link, "#"); return address }
	self := orderURL(id)
	at := slices.IndexFunc(s.needs, func(n need) bool { return of(n) == self })
	for i := range s.needs {
		n := (at + 1 + i) % len(s.needs)
		if link := of(s.needs[n]); link != self && strings.HasPrefix(link, "/orders/") {
			return s.needs[n].Link, fmt.Sprintf("%d of %d", n+1, len(s.needs)), nil
		}
	}
	return "", "", nil
}
