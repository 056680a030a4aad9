package viewsql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/viewsql/viewsqltest"
	"atelierd/internal/testdir"
)

// folder returns a data folder with an order.
func folder(t *testing.T) string {
	t.Helper()
	dir := testdir.New(t)
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	placed := time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)
	_, err = s.Apply(order.Batch{
		Listing: order.Listing{Orders: []order.Facts{{ID: "o1", Status: order.Paid, Brief: "a cat on a roof", CreatedAt: placed, Raw: []byte(`{"id":"o1"}`)}}},
		Mark:    1,
		Decide: func(order.Known, order.Facts) order.Decision {
			return order.Decision{State: order.StateWorking, DueAt: placed}
		},
		Vanished: func(order.Known) order.Decision { return order.Decision{State: order.StateHeld} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAStatementReadsTheViews(t *testing.T) {
	t.Parallel()
	r := New(folder(t))
	for statement, want := range map[string]string{
		"SELECT id, brief FROM v_orders":                                               "[id brief] [[o1 a cat on a roof]]",
		"WITH x AS (SELECT state FROM main.v_orders) SELECT count(*) n FROM x -- ;\n;": "[n] [[1]]",
		"SELECT count(*) FROM v_orders_open":                                           "[count(*)] [[1]]",
		`SELECT raw ->> 'id' FROM "v_orders"; /* ; */`:                                 "[raw ->> 'id'] [[o1]]",
		"SELECT value FROM v_orders, json_each(raw)":                                   "[value] [[o1]]",
		"VALUES (1, 2.5, NULL, x'00ff', 'a;b'';')":                                     "[column1 column2 column3 column4 column5] [[1 2.5 <nil> [0 255] a;b';]]",
		"SELECT 1 = 1, date('2026-11-26', '+1 day')":                                   "[1 = 1 date('2026-11-26', '+1 day')] [[1 2026-11-27]]",
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT sum(i) OVER (ORDER BY i) s FROM n": "[s] [[1] [3] [6]]",
		"SELECT a.id FROM v_orders a JOIN v_timeline t ON t.order_id = a.id LIMIT 1":                                        "[id] [[o1]]",
		";;SELECT 7 [a;b]": "[a;b] [[7]]",
	} {
		got, err := r.Run(t.Context(), statement)
		if text := fmt.Sprint(got.Columns, got.Rows); err != nil || text != want {
			t.Errorf("%s\nreturned %s, %v\nwant     %s", statement, text, err, want)
		}
	}
}

// TestNoStatementGetsOutOfTheViews guards the authorizer and the limits. Each refusal is
// one plain sentence.
func TestNoStatementGetsOutOfTheViews(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := New(dir)
	for statement, want := range viewsqltest.Escapes {
		got, err := r.Run(t.Context(), statement)
		refused, ok := errors.AsType[*Refused](err)
		if !ok || !strings.Contains(refused.Reason, want) || strings.Contains(refused.Reason, "\n") || len(got.Rows) > 0 {
			t.Errorf("%.100q\nreturned %v and the error %v\nwant %q", statement, got, err, want)
		}
	}
	after, err := os.ReadDir(dir)
	if err != nil || len(after) != len(before) {
		t.Errorf("the folder has %v, had %v, %v", after, before, err)
	}
	if got, err := r.Run(t.Context(), "SELECT brief FROM v_orders"); err != nil || fmt.Sprint(got.Rows) != "[[a cat on a roof]]" {
		t.Errorf("afterwards the order reads %v, %v", got.Rows, err)
	}
}

func TestARowLimitAndACellLimit(t *testing.T) {
	t.Parallel()
	r := New(folder(t))
	const many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
	got, err := r.Run(t.Context(), many+"i FROM n")
	if err != nil || len(got.Rows) != MaxRows || !got.More || got.Cut {
		t.Errorf("an endless list has %d rows, more %v, cut %v, %v", len(got.Rows), got.More, got.Cut, err)
	}
	got, err = r.Run(t.Context(), "SELECT printf('%.200000c', 'x'), zeroblob(200000), printf('%.99999c', 'x') || 'é'")
	if err != nil || got.More || !got.Cut || len(got.Rows[0][0].(string)) != MaxCell || len(got.Rows[0][1].([]byte)) != MaxCell || len(got.Rows[0][2].(string)) != MaxCell-1 {
		t.Errorf("long cells: more %v, cut %v, %v", got.More, got.Cut, err)
	}
	got, err = r.Run(t.Context(), many+"printf('%.100000c', 'x') FROM n")
	if err != nil || !got.More || len(got.Rows) > MaxResult/MaxCell+2 {
		t.Errorf("a long result has %d rows, more %v, %v", len(got.Rows), got.More, err)
	}
}

// bombs would run for ever, or take all memory.
var bombs = []string{
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT max(i) FROM n",
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, printf('%.1000000c', 'x') AS x FROM n ORDER BY x, i",
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n), x AS MATERIALIZED (SELECT randomblob(1000000) AS b FROM n) SELECT count(DISTINCT b) FROM x",
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM n",
}

// TestABombIsStopped guards the time limit, and that a stop leaves nothing behind.
func TestABombIsStopped(t *testing.T) {
	t.Parallel()
	r := New(folder(t))
	for _, bomb := range bombs {
		began := time.Now()
		_, err := r.Run(t.Context(), bomb)
		refused, ok := errors.AsType[*Refused](err)
		if !ok || refused.Reason != "the statement was stopped after 2s" && !strings.Contains(refused.Reason, "larger than") {
			t.Errorf("%s\nended with %v", bomb, err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s\ntook %v", bomb, took)
		}
	}
	if _, err := r.Run(t.Context(), "SELECT 1"); err != nil {
		t.Error(err)
	}
	// The most memory that this process ever had, where the system says it.
	status, _ := os.ReadFile("/proc/self/status")
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); m != nil {
		if kb, err := strconv.Atoi(string(m[1])); err != nil || kb > 500_000 {
			t.Errorf("the process had %d KB of memory", kb)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Run(ctx, "SELECT 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled statement ends with %v", err)
	}
}

func TestStatementsWaitForEachOther(t *testing.T) {
	t.Parallel()
	r := New(folder(t))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := r.Run(t.Context(), "SELECT id FROM v_orders"); err != nil || len(got.Rows) != 1 {
				t.Errorf("%v, %v", got.Rows, err)
			}
		})
	}
	all.Wait()
}

// TestEachExampleOfTheDocumentationRuns runs the statements of docs/history.md word by word.
func TestEachExampleOfTheDocumentationRuns(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "history.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`(?ms)^(-- [^\n]*\n)+SELECT .*?;$`).FindAllString(string(page), -1)
	if len(examples) < 9 {
		t.Fatalf("docs/history.md has %d examples", len(examples))
	}
	r := New(folder(t))
	for _, example := range examples {
		if _, err := r.Run(t.Context(), example); err != nil {
			t.Errorf("%s\n%v", example, err)
		}
	}
}

// TestEachViewCanBeRead guards that the limits leave room for what the views need.
func TestEachViewCanBeRead(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "db", "views.sql"))
	if err != nil {
		t.Fatal(err)
	}
	r := New(folder(t))
	for _, m := range regexp.MustCompile(`CREATE VIEW (v_\w+)`).FindAllStringSubmatch(string(page), -1) {
		if _, err := r.Run(t.Context(), "SELECT * FROM "+m[1]); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
		if _, err := r.Run(t.Context(), "SELECT count(*) FROM "+m[1]); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
}

func TestTheSchemaNamesWhatCanBeRead(t *testing.T) {
	t.Parallel()
	r := New(folder(t))
	list, err := r.Schema(t.Context())
	if err != nil || len(list) < 10 {
		t.Fatalf("%d views, %v", len(list), err)
	}
	for _, v := range list {
		if _, err := r.Run(t.Context(), "SELECT "+strings.Join(v.Columns, ", ")+" FROM "+v.Name); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}
