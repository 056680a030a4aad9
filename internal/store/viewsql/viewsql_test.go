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

// escapes are statements that try to get out of the views, with what is said of them.
var escapes = map[string]string{
	"SELECT * FROM orders": "table orders cannot be read",
	"SELECT (SELECT fingerprint FROM orders) FROM v_orders":                        "table orders cannot be read",
	"WITH v_orders AS (SELECT fingerprint FROM orders) SELECT * FROM v_orders":     "table orders cannot be read",
	"WITH spent AS (SELECT value FROM facts) SELECT * FROM spent":                  "table facts cannot be read",
	"WITH v_orders AS (SELECT * FROM facts) SELECT 1 FROM v_orders, main.v_orders": "table facts cannot be read",
	"SELECT * FROM v_orders WHERE id IN (SELECT value FROM facts)":                 "table facts cannot be read",
	"SELECT * FROM v_orders UNION SELECT name FROM facts":                          "table facts cannot be read",
	"SELECT count(*) FROM dbstat":                                                  "table dbstat cannot be read",
	"SELECT count(*) FROM pragma_database_list":                                    "cannot be read",
	"SELECT 1 FROM sqlite_master":                                                  "table sqlite_master cannot be read",
	"SELECT count(*) FROM facts":                                                   "table facts cannot be read",
	"SELECT rowid FROM orders":                                                     "table orders cannot be read",
	"SELECT * FROM standing":                                                       "table standing cannot be read",
	"SELECT sql FROM sqlite_schema":                                                "table sqlite_master cannot be read",
	"SELECT * FROM main.sqlite_master":                                             "table sqlite_master cannot be read",
	"SELECT * FROM pragma_table_info('orders')":                                    "cannot be read",
	"SELECT * FROM pragma_database_list":                                           "cannot be read",
	"SELECT * FROM dbstat":                                                         "table dbstat cannot be read",
	"SELECT * FROM sqlite_dbpage":                                                  "table sqlite_dbpage cannot be read",
	"SELECT * FROM search_texts WHERE text MATCH 'cat'":                            "cannot be read",
	"SELECT * FROM search_texts_data":                                              "table search_texts_data cannot be read",
	"SELECT fts5(1)":                                                               "function fts5 is not allowed",
	"SELECT fts3_tokenizer('simple')":                                              "no such function",
	"SELECT load_extension('/tmp/x.so')":                                           "not allowed",
	"SELECT sqlite_log(1, 'x')":                                                    "function sqlite_log is not allowed",
	"SELECT readfile('/etc/passwd')":                                               "no such function",
	"SELECT writefile('/tmp/x', 'y')":                                              "no such function",
	"SELECT edit('x')":                                                             "no such function",
	"ATTACH '/tmp/other.db' AS other":                                              "ATTACH and DETACH are not allowed",
	"DETACH main":                                                                  "ATTACH and DETACH are not allowed",
	"PRAGMA writable_schema = ON":                                                  "PRAGMA is not allowed",
	"PRAGMA query_only = 0":                                                        "PRAGMA is not allowed",
	"pragma/**/table_info(orders)":                                                 "PRAGMA is not allowed",
	"VACUUM":                                                                       "ATTACH and DETACH are not allowed",
	"VACUUM INTO '/tmp/copy.db'":                                                   "ATTACH and DETACH are not allowed",
	"INSERT INTO orders (id) VALUES ('x')":                                         "only SELECT is allowed",
	"UPDATE orders SET brief = ''":                                                 "only SELECT is allowed",
	"DELETE FROM v_orders":                                                         "cannot modify v_orders because it is a view",
	"DELETE FROM events":                                                           "only SELECT is allowed",
	"REPLACE INTO facts VALUES ('a', 'b', 'c')":                                    "only SELECT is allowed",
	"WITH x AS (SELECT 1) DELETE FROM facts":                                       "only SELECT is allowed",
	"DROP TABLE orders":                                                            "only SELECT is allowed",
	"DROP VIEW v_orders":                                                           "only SELECT is allowed",
	"ALTER TABLE orders RENAME TO gone":                                            "only SELECT is allowed",
	"CREATE TABLE mine (x)":                                                        "only SELECT is allowed",
	"CREATE TEMP TABLE mine (x)":                                                   "only SELECT is allowed",
	"CREATE TEMP TABLE v_mine AS SELECT * FROM orders":                             "only SELECT is allowed",
	"CREATE TEMP VIEW v_mine AS SELECT * FROM orders":                              "only SELECT is allowed",
	"CREATE VIRTUAL TABLE temp.mine USING fts5 (x)":                                "only SELECT is allowed",
	"CREATE INDEX mine ON orders (brief)":                                          "only SELECT is allowed",
	"CREATE TRIGGER mine AFTER INSERT ON orders BEGIN SELECT 1; END":               "only",
	"ANALYZE":                     "only SELECT is allowed",
	"REINDEX":                     "only SELECT is allowed",
	"BEGIN EXCLUSIVE":             "transactions are not allowed",
	"COMMIT":                      "transactions are not allowed",
	"SAVEPOINT mine":              "transactions are not allowed",
	"SELECT 1; SELECT 2":          "only one statement",
	"SELECT 1; DROP TABLE orders": "only one statement",
	"SELECT 1 /* ; */ ; --\n PRAGMA query_only = 0":      "only one statement",
	"EXPLAIN DELETE FROM facts":                          "only SELECT is allowed",
	"SELECT 1\x00; DROP TABLE orders":                    "not text",
	"SELECT '\xff'":                                      "not text",
	"SELECT '" + strings.Repeat("x", MaxStatement) + "'": "more than 20000 bytes",
	"":                                       "there is no statement",
	" -- SELECT 1\n/* ; */ ;":                "there is no statement",
	"SELECT ?":                               "cannot be run",
	"SELECT nonsense FROM v_orders":          "no such column: nonsense",
	"SELEC 1":                                `near "SELEC": syntax error`,
	"SELECT randomblob(1000000000)":          "larger than 2000000 bytes",
	"SELECT length(zeroblob(2000000000))":    "larger than 2000000 bytes",
	"SELECT printf('%.*c', 1000000000, 'x')": "larger than 2000000 bytes",
	"SELECT printf('%1000000000d', 1)":       "larger than 2000000 bytes",
	"SELECT hex(hex(hex(zeroblob(900000))))": "larger than 2000000 bytes",
	"SELECT replace(printf('%.1000000c', 'x'), 'x', printf('%.1000c', 'y'))": "larger than 2000000 bytes",
	"SELECT " + strings.Repeat("1,", 200) + "1":                              "too many columns",
	"SELECT " + strings.Repeat("abs(", 200) + "1" + strings.Repeat(")", 200): "tree is too large",
	"SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", 100):                  "too many terms",
	"SELECT 'x' LIKE '" + strings.Repeat("%x", 200) + "'":                    "pattern too complex",
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
	for statement, want := range escapes {
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
