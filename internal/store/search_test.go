package store

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/testdir"
)

// ids returns the ids of all orders that a search finds.
func ids(tb testing.TB, s *Store, text string) string {
	tb.Helper()
	p, err := s.Page(tb.Context(), OrderQuery{State: "all", Text: text, Most: 100})
	if err != nil {
		tb.Fatalf("search for %.40q: %v", text, err)
	}
	return join(p.Lines)
}

func join(lines []Line) string {
	list := make([]string, len(lines))
	for i, l := range lines {
		list[i] = l.ID
	}
	return strings.Join(list, " ")
}

// insertOrder writes a row of an order, as an intake does.
func insertOrder(tb testing.TB, db *sql.DB, id, state, brief string) {
	tb.Helper()
	mustExec(tb, db, `INSERT INTO orders (id, remote_status, state, brief, created_at, due_at, seen_at, changed_at, fingerprint, raw)
		VALUES (?, 'paid', ?, ?, `+written+`, `+written+`, `+written+`, `+written+`, 1, '{}')`, id, state, brief)
}

func insertMessage(tb testing.TB, db *sql.DB, orderID, id, text string) {
	tb.Helper()
	mustExec(tb, db, "INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at) VALUES (?, ?, 'client', '', ?, "+written+", "+written+")",
		orderID, id, text)
}

// TestTheIndexFollowsEachText guards that each trigger keeps the index, whatever
// changes a text.
func TestTheIndexFollowsEachText(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	insertOrder(t, db, "o1", "working", "a tartan blanket")
	insertOrder(t, db, "o2", "completed", "a woollen scarf")
	for _, step := range []struct{ change, found, gone string }{
		{"", "tartan", "velvet"},
		{"UPDATE orders SET brief = 'a velvet curtain' WHERE id = 'o1'", "VELVET curtain", "tartan"},
		{"UPDATE orders SET brief_english = 'made of linen' WHERE id = 'o1'", "linen", "tartan"},
		{"UPDATE orders SET bounty_title = 'Needlework' WHERE id = 'o1'", "needlework", "tartan"},
		{`UPDATE orders SET requirement_answers = '{"colour":"aubergine","size":[4,"\u00fcppig"]}' WHERE id = 'o1'`, "üppig aubergine", "colour"},
		{`UPDATE orders SET brief_spec = '{"paper":"vellum"}' WHERE id = 'o1'`, "vellum", "paper"},
		{"UPDATE orders SET review = 'splendid' WHERE id = 'o1'", "splendid", "tartan"},
		{"UPDATE orders SET state = 'completed', raw = '{}' WHERE id = 'o1'", "splendid", "tartan"},
		{"INSERT INTO messages VALUES ('o1', 'm1', 'client', '', 'with tassels', 'x', 'x')", "tassels", "tartan"},
		{"INSERT INTO messages VALUES ('o1', 'm2', 'agent', '', 'it is under way', 'x', 'x')", "tassels", "under way"},
		{"UPDATE messages SET remote_id = 'm3' WHERE remote_id = 'm1'", "tassels", "tartan"},
		{"UPDATE messages SET content = 'with fringes' WHERE remote_id = 'm3'", "fringes", "tassels"},
		{"UPDATE messages SET content = ''", "splendid", "fringes"},
		{"UPDATE messages SET content = 'with pompoms' WHERE remote_id = 'm3'", "pompoms", "fringes"},
		{"DELETE FROM messages", "splendid", "pompoms"},
		{"VACUUM", "splendid", "pompoms"},
	} {
		if step.change != "" {
			mustExec(t, db, step.change)
		}
		if found, gone := ids(t, s, step.found), ids(t, s, step.gone); found != "o1" || gone != "" {
			t.Errorf("after %q a search for %s finds %q, and for %s %q", step.change, step.found, found, step.gone, gone)
		}
	}
	mustExec(t, db, "DELETE FROM orders WHERE id = 'o1'")
	if n := scan[int](t, db, "SELECT count(*) FROM search_docs"); n != 1 || ids(t, s, "splendid") != "" || ids(t, s, "scarf") != "o2" {
		t.Errorf("after an order was deleted %d texts are left", n)
	}
	mustExec(t, db, "INSERT INTO search_texts (search_texts) VALUES ('integrity-check')")
}

// TestNothingThatIsSearchedForIsSyntax guards that a text of a client, typed again,
// finds itself and nothing else.
func TestNothingThatIsSearchedForIsSyntax(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	texts := []string{
		`"quoted"`, `AND NOT`, `NEAR(cat fish, 2)`, `text:colon`, `star*`, `^start`, `{text}: brace`, `-minus`, `'; DROP TABLE orders; --`,
		`"""`, `+plus+`, "שלום עולם", "\u202ereversed", "🦊🦊🦊 fox", "👩‍👩‍👧‍👦", "Żółć", "猫猫猫", "%%percent%%", `\\\`, "???", "a\ufffdb\ufffdc",
	}
	for i, text := range texts {
		insertOrder(t, db, fmt.Sprint("o", i), "working", "~~~ "+text+" ~~~")
	}
	for i, text := range texts {
		if got, want := ids(t, s, text), fmt.Sprint("o", i); got != want {
			t.Errorf("a search for %q finds %q, want %s", text, got, want)
		}
	}
	if got := ids(t, s, "A\x00B\xffC"); got != fmt.Sprint("o", len(texts)-1) {
		t.Errorf("a search for a text with a NUL finds %q", got)
	}
	if got := ids(t, s, "żÓŁĆ"); got != "o15" {
		t.Errorf("a search in other capitals finds %q", got)
	}
	for _, text := range []string{" ", "a", "ab cd", "猫", strings.Repeat("é ", 99)} {
		if _, err := s.Page(t.Context(), OrderQuery{Text: text, Most: 5}); !errors.Is(err, ErrShortText) {
			t.Errorf("a search for %.20q: %v", text, err)
		}
	}
}

// TestALongTextIsIndexedInPart guards that one huge text does not hold up the writer.
func TestALongTextIsIndexedInPart(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	insertOrder(t, db, "o1", "working", "beginning "+strings.Repeat("0123456789 ", 100_000)+"finish")
	if ids(t, s, "beginning") != "o1" || ids(t, s, "finish") != "" {
		t.Error("a text of 1 MB is not indexed by its first 20,000 characters")
	}
	if n := scan[int](t, db, "SELECT sum(length(block)) FROM search_texts_data"); n > 300_000 {
		t.Errorf("its index has %d bytes", n)
	}
	if got := ids(t, s, strings.Repeat("0123456789 ", 100_000)); got != "o1" {
		t.Errorf("a search for 1 MB finds %q", got)
	}
}

// TestPagesShowEachOrderOnce guards the pages of every kind of list.
func TestPagesShowEachOrderOnce(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	states := []string{"working", "completed", "cancelled"}
	for i := range 60 {
		id := fmt.Sprintf("order-%03d", i)
		insertOrder(t, db, id, states[i%3], "the same brief")
		mustExec(t, db, "UPDATE orders SET client = ?, created_at = ? WHERE id = ?", fmt.Sprint("0x", i%2), fmt.Sprintf("2026-01-01T00:00:%02d.000Z", i/7), id)
		for n := range i % 5 {
			insertMessage(t, db, id, fmt.Sprint("m", n), "once more the same")
		}
	}
	mustExec(t, db, "UPDATE orders SET created_at = 'no time' WHERE id = 'order-015'")
	for _, q := range []OrderQuery{
		{State: "all"},
		{},
		{State: "working"},
		{State: "completed"},
		{State: "cancelled"},
		{State: "all", Client: "0x1"},
		{Client: "0x0"},
		{State: "all", Text: "same"},
		{State: "cancelled", Text: "same"},
		{State: "all", Text: "SAME brief", Client: "0x1"},
	} {
		q.Most = 1000
		whole, err := s.Page(t.Context(), q)
		if err != nil || len(whole.Lines) < 10 || whole.Next != "" {
			t.Fatalf("%+v: %d orders, next %q, %v", q, len(whole.Lines), whole.Next, err)
		}
		var all []Line
		for q.Most = 7; ; {
			p, err := s.Page(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p.Lines...)
			if q.OlderThan = p.Next; p.Next == "" {
				break
			}
		}
		if got, want := join(all), join(whole.Lines); got != want {
			t.Errorf("%+v: the pages are\n%s, want\n%s", q, got, want)
		}
		sorted := slices.Sorted(slices.Values(strings.Fields(join(all))))
		if len(slices.Compact(sorted)) != len(all) {
			t.Errorf("%+v shows an order twice: %s", q, join(all))
		}
	}
}

func TestASearchFindsAnIDByItsEnd(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	insertOrder(t, db, "ord_1_aabbccdd", "working", "a fox")
	insertOrder(t, db, "ord_2_11223344", "completed", "like ord_1_aabbccdd")
	if got, want := ids(t, s, "aabbccdd"), "ord_1_aabbccdd ord_2_11223344"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	for state, want := range map[string]string{"": "", "completed": "ord_2_11223344", "working": "", "all": "ord_2_11223344"} {
		p, err := s.Page(t.Context(), OrderQuery{State: state, Text: "11223344", Most: 5})
		if err != nil || join(p.Lines) != want {
			t.Errorf("in state %q found %q, %v; want %q", state, join(p.Lines), err, want)
		}
	}
	if _, err := s.Page(t.Context(), OrderQuery{OlderThan: "nothing", Most: 5}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a page after an order that is not there: %v", err)
	}
}

// TestASearchThatFindsTooManyOthersGoesOn guards that a page looks at a limited
// number of texts, and that the next pages reach the rest.
func TestASearchThatFindsTooManyOthersGoesOn(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	insertOrder(t, db, "first", "working", "the same brief")
	mustExec(t, db, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO orders (id, remote_status, state, brief, created_at, due_at, seen_at, changed_at, fingerprint, raw)
		SELECT i, 'completed', 'completed', 'same', `+written+`, `+written+`, `+written+`, `+written+`, 1, '{}' FROM n`, searchMost+100)
	p, err := s.Page(t.Context(), OrderQuery{Text: "same", Most: 5})
	if err != nil || len(p.Lines) != 0 || !p.Partial || p.Next == "" {
		t.Fatalf("the first page has %q, next %q, partial %v, %v", join(p.Lines), p.Next, p.Partial, err)
	}
	p, err = s.Page(t.Context(), OrderQuery{Text: "same", Most: 5, OlderThan: p.Next})
	if err != nil || join(p.Lines) != "first" || p.Partial || p.Next != "" {
		t.Errorf("the second page has %q, next %q, partial %v, %v", join(p.Lines), p.Next, p.Partial, err)
	}
}

// TestAnUpgradeIndexesWhatIsThere guards that an old database can be searched, and
// that its owner reads why the start takes long.
func TestAnUpgradeIndexesWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	file := atVersion(t, dir, 30)
	mustExec(t, file, "UPDATE orders SET brief = 'a tartan blanket', requirement_answers = '[\"aubergine\"]' WHERE id = 'o1'")
	insertOrder(t, file, "o2", "completed", "a woollen scarf")
	insertMessage(t, file, "o1", "m1", "with tassels")
	mustExec(t, file, "INSERT INTO messages VALUES ('o1', 'm2', 'agent', '', 'under way', 'x', 'x')")
	insertMessage(t, file, "o1", "m3", "with fringes")
	file.Close()
	var log bytes.Buffer
	s := openNew(t, Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for text, want := range map[string]string{"tartan": "o1", "aubergine": "o1", "scarf": "o2", "tassels": "o1", "fringes": "o1", "under way": ""} {
		if got := ids(t, s, text); got != want {
			t.Errorf("a search for %s finds %q, want %q", text, got, want)
		}
	}
	paid(t, s, "o3")
	if got := ids(t, s, "cat roof"); got != "o3" {
		t.Errorf("a new order is found as %q", got)
	}
	if !strings.Contains(log.String(), "upgrading the database") || !strings.Contains(log.String(), "orders=2") {
		t.Errorf("the log says %s", log.String())
	}
}

func TestCountsOfOrders(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	db := outside(t, s.dir)
	for i, state := range []string{"working", "working", "held", "held", "failed", "waiting", "delivered", "completed", "completed", "cancelled"} {
		insertOrder(t, db, fmt.Sprint("o", i), state, "")
	}
	mustExec(t, db, "UPDATE orders SET code = 'owner' WHERE id = 'o3'")
	mustExec(t, db, "UPDATE orders SET completed_at = '2026-11-20T00:00:00.000Z' WHERE id = 'o7'")
	mustExec(t, db, "UPDATE orders SET completed_at = '2026-09-20T00:00:00.000Z' WHERE id = 'o8'")
	got, err := s.CountOrders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got.Done, err = s.CountCompleted(t.Context(), time.Date(2026, 10, 27, 0, 0, 0, 0, time.UTC))
	if want := (OrderCounts{Open: 6, NeedYou: 2, InWork: 2, WithClient: 2, Done: 1}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}
