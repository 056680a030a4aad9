package main_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"

	"github.com/rogpeppe/go-internal/testscript"
)

// openData opens the database in a folder of the script.
func openData(ts *testscript.TestScript, dir string) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(ts.MkAbs(dir), store.FileName)+"?_pragma=busy_timeout(10000)")
	ts.Check(err)
	return db
}

// scriptPast makes a database look older: past FOLDER TIME. The work was created and put
// off that much earlier and has failed for longer, and the threads were read earlier. The
// time is one of SQLite, such as '3 minutes'.
func scriptPast(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: past folder time")
	}
	db := openData(ts, args[0])
	defer db.Close()
	for table, columns := range map[string][]string{"jobs": {"created_at", "run_at", "failing_at"}, "orders": {"thread_due_at"}} {
		for _, c := range columns {
			_, err := db.Exec("UPDATE "+table+" SET "+c+" = strftime('%Y-%m-%dT%H:%M:%fZ', "+c+", '-' || ?)", args[1])
			ts.Check(err)
		}
	}
}

// scriptAge makes what is recorded of all orders some days older: age FOLDER DAYS.
func scriptAge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: age folder days")
	}
	db := openData(ts, args[0])
	defer db.Close()
	for _, column := range []string{"orders completed_at", "orders changed_at", "orders payout_at", "requests at"} {
		table, name, _ := strings.Cut(column, " ")
		_, err := db.Exec("UPDATE " + table + " SET " + name + " = strftime('%Y-%m-%dT%H:%M:%fZ', " + name + ", '-" + args[1] + " days') WHERE " + name + " IS NOT NULL")
		ts.Check(err)
	}
}

// lockKey is where a script keeps what ends its lock.
type lockKey struct{}

// scriptLock lets no other process write to the database of a folder until unlock, as a
// program of the owner may do: lock FOLDER.
func scriptLock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock folder")
	}
	db := openData(ts, args[0])
	conn, err := db.Conn(context.Background())
	ts.Check(err)
	_, err = conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	ts.Check(err)
	end := func() { conn.Close(); db.Close() }
	ts.Defer(end)
	*ts.Value(lockKey{}).(*func()) = end
}

// scriptUnlock ends the lock: unlock.
func scriptUnlock(ts *testscript.TestScript, neg bool, args []string) {
	end := *ts.Value(lockKey{}).(*func())
	if neg || len(args) != 0 || end == nil {
		ts.Fatalf("usage: unlock, after lock")
	}
	end()
}

// scriptFault has one request to the marketplace fail, the next with the method and the
// end of its path: fault METHOD PATH before|after STATUS|cut [always]. After means that the
// request takes effect. With always, all such requests fail.
func scriptFault(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 && (len(args) != 5 || args[4] != "always") {
		ts.Fatalf("usage: fault method path before|after status|cut [always]")
	}
	status := sandbox.Cut
	if args[3] != "cut" {
		var err error
		status, err = strconv.Atoi(args[3])
		ts.Check(err)
	}
	fault := sandbox.Fault{Before: status}
	if args[2] == "after" {
		fault = sandbox.Fault{After: status}
	}
	met := false // the marketplace asks for one request at a time
	marketOf(ts).SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
		if met || r.Method != args[0] || !strings.HasSuffix(r.URL.Path, args[1]) {
			return sandbox.Fault{}
		}
		met = len(args) == 4
		return fault
	}})
}

// providerKey is where a script keeps its provider.
type providerKey struct{}

// scriptProvider starts a provider that charges for each new key, and sets PROVIDER to
// its address: provider [strict]. A strict one refuses a key that comes with another
// body. Run it before market.
func scriptProvider(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 || len(args) == 1 && args[0] != "strict" {
		ts.Fatalf("usage: provider [strict]")
	}
	p := newCharging(ts.Defer, 1, 0)
	p.strict, p.anyBody = len(args) == 1, true
	*ts.Value(providerKey{}).(**charging) = p
	ts.Setenv("PROVIDER", p.url)
}

// listModels answers with the models of a provider of type openai. One of them is shut
// down in five days.
func listModels(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `{"data":[{"id":"lasting"},{"id":"ending","shutdown_date":%q}]}`, time.Now().UTC().AddDate(0, 0, 5).Format(time.DateOnly))
}

// scriptCharges asserts how many jobs the provider was paid for: charges COUNT.
func scriptCharges(ts *testscript.TestScript, neg bool, args []string) {
	p := *ts.Value(providerKey{}).(**charging)
	if neg || len(args) != 1 || p == nil {
		ts.Fatalf("usage: charges count, after provider")
	}
	if n := p.paid(); fmt.Sprint(n) != args[0] {
		ts.Fatalf("the provider was paid %d times: %v", n, p.charges())
	}
}

// freeAddress returns an address of this machine that nothing listens on.
func freeAddress(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

// scriptPort sets a variable to a free address: port NAME.
func scriptPort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port name")
	}
	ts.Setenv(args[0], freeAddress(ts))
}

// scriptServes waits, at most a minute, until a server of the script answers: serves URL.
func scriptServes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serves url")
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(time.Minute)
	for {
		resp, err := http.Get(args[0])
		if err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			ts.Fatalf("%v", err)
		}
	}
}

// scriptHTTP sends a request, which must succeed, and writes the body of the answer to
// the file answer: http METHOD URL [BODY].
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: http method url [body]")
	}
	r, err := http.NewRequest(args[0], args[1], strings.NewReader(strings.Join(args[2:], "")))
	ts.Check(err)
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), body, 0o600))
	if resp.StatusCode >= 300 {
		ts.Fatalf("%s answers %s: %s", args[1], resp.Status, body)
	}
}

// scriptPublish serves a folder at the address FILES, as an owner's web server does: publish
// FOLDER. While there is a file named down next to it, it shows nothing.
func scriptPublish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: publish folder")
	}
	folder, down := ts.MkAbs(args[0]), ts.MkAbs("down")
	ts.Check(os.MkdirAll(folder, 0o755))
	files := http.FileServer(http.Dir(folder))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(down); err == nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		files.ServeHTTP(w, r)
	}))
	ts.Setenv("FILES", server.URL)
	ts.Defer(server.Close)
}

// download fetches what the client got last.
func download(ts *testscript.TestScript, m *testMarket, id string, args []string) {
	o, _ := m.Order(id)
	var links []string
	if n := len(o.Deliveries); n > 0 {
		links = o.Deliveries[n-1].URLs
	}
	if fmt.Sprint(len(links)) != args[0] {
		ts.Fatalf("the client got %q", links)
	}
	for _, link := range links {
		if !strings.HasPrefix(link, args[1]+"/") {
			ts.Fatalf("the client got %q", links)
		}
		if args[1] != ts.Getenv("FILES") {
			continue // the marketplace of a script shows no files
		}
		resp, err := http.Get(link)
		ts.Check(err)
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
			ts.Fatalf("%s answers %s with %d bytes: %v", link, resp.Status, len(body), err)
		}
	}
}

// scriptMonitor starts a server that appends each call to the file calls, and sets MONITOR
// to its address.
func scriptMonitor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: monitor")
	}
	calls, err := os.OpenFile(ts.MkAbs("calls"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(calls, r.Method, r.URL.RequestURI())
	}))
	ts.Setenv("MONITOR", server.URL)
	ts.Defer(func() {
		server.Close()
		calls.Close()
	})
}
