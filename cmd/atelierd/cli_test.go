package main_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar, each named for what it guards, with the
// real program as the command atelierd.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Values[bazaarKey{}] = &bazaar{answered: make(chan struct{})}
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TZ", "UTC")
			e.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  scriptExits,
			"market": scriptMarket,
			"order":  scriptOrder,
			"client": scriptClient,
			"await":  scriptAwait,
			"future": scriptFuture,
		},
	})
}

// scriptConfig is what `market` writes as atelierd.toml, unless the script has
// its own with MARKET in it.
const scriptConfig = `base_url = "MARKET/api"
blob_url = "MARKET/blob/"
data_dir = "data"
[agent]
name = "Script"
description = "an agent of the scripts"
endpoint_url = "https://agent.test"
payout_wallet = "So11111111111111111111111111111111111111112"
[work]
backoff = "10ms"
deliver_timeout = "2s"
[[service]]
title = "Pictures"
description = "Patterns painted by an algorithm, with your own words as a caption."
category = "image_gen"
price_usd = "5.00"
deliverables = ["one picture"]
generator = "studio"
[generator.studio]
type = "canvas"
`

// bazaar is a sandbox marketplace that says when it has answered.
type bazaar struct {
	*sandbox.Server
	mu       sync.Mutex
	answered chan struct{} // closed after each answer
}

func (b *bazaar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.Server.ServeHTTP(w, r)
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.answered)
	b.answered = make(chan struct{})
}

func (b *bazaar) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answered
}

// bazaarKey is where a script keeps its bazaar, whose Server is nil until the
// command market.
type bazaarKey struct{}

func bazaarOf(ts *testscript.TestScript) *bazaar {
	b, ok := ts.Value(bazaarKey{}).(*bazaar)
	if !ok || b.Server == nil {
		ts.Fatalf("there is no market")
	}
	return b
}

// scriptMarket starts a marketplace with one agent: market [moved|owned]. It sets
// MARKET, ATELIER_AGENT_ID and ATELIER_API_KEY, and writes atelierd.toml. One
// that has moved sends everybody on to another host; an owned agent has a wallet
// and a picture; market hooks sends webhooks to HOOK, a free port.
func scriptMarket(ts *testscript.TestScript, _ bool, args []string) {
	b, ok := ts.Value(bazaarKey{}).(*bazaar)
	if !ok || b.Server != nil {
		ts.Fatalf("there is a market already")
	}
	hooks := len(args) == 1 && args[0] == "hooks"
	b.Server = sandbox.New(sandbox.Options{Seed: 1, Webhooks: hooks})
	handler := http.Handler(b)
	if len(args) == 1 && args[0] == "moved" {
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.test"+r.URL.Path, http.StatusPermanentRedirect)
		})
	}
	server := httptest.NewServer(handler)
	ts.Defer(server.Close)
	id, key, err := b.AddAgent("Script", "", "")
	ts.Check(err)
	profile := `{"owner_wallet":"11111111111111111111111111111111","avatar_url":"https://agent.test/me.png"}`
	if hooks {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv("HOOK", l.Addr().String())
		profile = `{"endpoint_url":"http://` + l.Addr().String() + `/atelier"}`
		l.Close()
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan bool)
		go func() { b.Webhooks(ctx, http.DefaultClient); close(ended) }()
		ts.Defer(func() { stop(); <-ended })
	}
	if len(args) == 1 && args[0] != "moved" {
		r, err := http.NewRequest(http.MethodPatch, server.URL+"/api/agents/me", strings.NewReader(profile))
		ts.Check(err)
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", "application/json")
		resp, err := server.Client().Do(r)
		ts.Check(err)
		resp.Body.Close()
	}
	ts.Setenv("MARKET", server.URL)
	ts.Setenv("ATELIER_AGENT_ID", id)
	ts.Setenv("ATELIER_API_KEY", key)
	path, text := ts.MkAbs("atelierd.toml"), scriptConfig
	if own, err := os.ReadFile(path); err == nil {
		text = string(own)
	}
	ts.Check(os.WriteFile(path, []byte(strings.NewReplacer("MARKET", server.URL, "HOOK", ts.Getenv("HOOK")).Replace(text)), 0o600))
}

// scriptOrder places an order: order BRIEF [STATUS], paid when nothing else is
// said. A brief in quotes is read as Go reads a string. It sets ORDER.
func scriptOrder(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 && len(args) != 2 {
		ts.Fatalf("usage: order brief [status]")
	}
	status, price := "paid", "5.00"
	if len(args) == 2 {
		status, price = args[1], ""
	}
	brief := args[0]
	if unquoted, err := strconv.Unquote(brief); err == nil {
		brief = unquoted
	}
	id, err := bazaarOf(ts).PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: brief, Status: status, Price: price})
	ts.Check(err)
	ts.Setenv("ORDER", id)
}

// scriptClient has the client act on ORDER, or looks at it: client cancel,
// client dispute TEXT, client pay, client approve, client says TEXT, client sees
// STATUS DELIVERIES, client reads TIMES TEXT, which counts the agent's messages with
// that text in them. client posts TITLE BUDGET makes a bounty and sets BOUNTY;
// client accepts gives it to the first claim and sets ORDER.
func scriptClient(ts *testscript.TestScript, _ bool, args []string) {
	b, id := bazaarOf(ts), ts.Getenv("ORDER")
	switch {
	case len(args) == 1 && args[0] == "cancel":
		ts.Check(b.Cancel(id))
	case len(args) == 1 && args[0] == "pay":
		ts.Check(b.Pay(id))
	case len(args) == 1 && args[0] == "approve":
		ts.Check(b.Approve(id))
	case len(args) == 2 && args[0] == "says":
		ts.Check(b.ClientMessage(id, args[1]))
	case len(args) == 3 && args[0] == "reads":
		o, _ := b.Order(id)
		times := 0
		for _, m := range o.Messages {
			if m.From == "provider" && strings.Contains(m.Content, args[2]) {
				times++
			}
		}
		if fmt.Sprint(times) != args[1] {
			ts.Fatalf("the client reads it %d times in %v", times, o.Messages)
		}
	case len(args) == 3 && args[0] == "posts":
		bounty, err := b.PostBounty(sandbox.NewBounty{Title: args[1], Brief: args[1], BudgetUSD: args[2]})
		ts.Check(err)
		ts.Setenv("BOUNTY", bounty)
	case len(args) == 1 && args[0] == "accepts":
		orderID, err := b.AcceptClaim(ts.Getenv("BOUNTY"), "")
		ts.Check(err)
		ts.Setenv("ORDER", orderID)
	case len(args) == 2 && args[0] == "dispute":
		ts.Check(b.Dispute(id, args[1]))
	case len(args) == 3 && args[0] == "sees":
		o, _ := b.Order(id)
		if got := fmt.Sprintf("%s %d", o.Status, len(o.Deliveries)); got != args[1]+" "+args[2] {
			ts.Fatalf("the client sees %s deliveries", got)
		}
	default:
		ts.Fatalf("unknown act of the client: %v", args)
	}
}

// scriptAwait waits for the daemon: await poll, or for ORDER await STATUS, or
// await reads TEXT, a message of the agent's with that text.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 && (len(args) != 2 || args[0] != "reads") {
		ts.Fatalf("usage: await poll | await status | await reads text")
	}
	b := bazaarOf(ts)
	before := 0
	if args[0] == "poll" {
		before = polls(b)
	}
	there := func() bool {
		if args[0] == "poll" {
			return polls(b) > before
		}
		o, _ := b.Order(ts.Getenv("ORDER"))
		if len(args) == 2 {
			return slices.ContainsFunc(o.Messages, func(m sandbox.Message) bool {
				return m.From == "provider" && strings.Contains(m.Content, args[1])
			})
		}
		return o.Status == args[0] || fmt.Sprintf("%s %d", o.Status, len(o.Deliveries)) == args[0]
	}
	deadline := time.After(time.Minute)
	for {
		answered := b.next() // before the look, so that no answer is missed
		if there() {
			return
		}
		select {
		case <-answered:
		case <-deadline:
			ts.Fatalf("no %s within a minute", args[0])
		}
	}
}

func polls(b *bazaar) (n int) {
	for _, r := range b.Requests() {
		if r.Call == sandbox.CallOrders && r.Handled {
			n++
		}
	}
	return n
}

// scriptExits runs a command that must end with the given code.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command...")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended interface{ ExitCode() int }
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		code = ended.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%s exits with %d, not with %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// scriptFuture makes the database in a folder one of a newer version.
func scriptFuture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: future folder")
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(ts.MkAbs(args[0]), store.FileName))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	ts.Check(err)
}
