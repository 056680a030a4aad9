package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// queries returns the generated statements, by name.
func queries(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("query/*.sql.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no generated queries", err)
	}
	list := map[string]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(lit.Value, "`-- name: ") {
				sql, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				list[strings.Fields(sql)[2]] = sql
			}
			return true
		})
	}
	return list
}

func plan(t *testing.T, s *Store, sql string) []string {
	t.Helper()
	highest := 0
	for _, m := range regexp.MustCompile(`\?(\d*)`).FindAllStringSubmatch(sql, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			n = highest + 1
		}
		highest = max(highest, n)
	}
	rows, err := s.reads.Query("EXPLAIN QUERY PLAN "+sql, make([]any, highest)...)
	if err != nil {
		t.Fatalf("%s\n%v", sql, err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

// TestNoQueryScansHistory guards that every query uses an index: a table that grows
// for ever may only be searched, or scanned by a partial index.
func TestNoQueryScansHistory(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	// Tables that stay small, and the lists that people ask for.
	small := map[string]bool{
		"services": true, "pauses": true, "windows": true, "facts": true, "f": true, "u": true, "json_each": true,
		"s": true, "CONSTANT": true, "v_attention": true, "standing": true, "uncompared": true,
		"spent": true, // a view, whose parts are searched
		"t":     true, // of SearchTexts, which limits it
		"dims":  true, // the dimensions of books_daily
	}
	partial := map[string]bool{
		"orders_open": true, "jobs_leased": true, "orders_completed": true,
		"jobs_stuck": true, "jobs_failing": true, "events_payout": true, "orders_thread": true, "bounties_open": true, "webhooks_pending": true,
		"calls_cancel": true, "runs_open": true, "alerts_open": true,
		"orders_odd": true, "artifacts_removing": true, "artifacts_kept": true,
	}
	forPeople := map[string]bool{"ListBounties": true, "ListClients": true}
	whole := map[string]bool{"StoredFiles": true} // of a copy that a backup has made
	list := queries(t)
	if len(list) < 50 {
		t.Fatalf("only %d queries were found", len(list))
	}
	for name, sql := range list {
		for _, step := range plan(t, s, sql) {
			words := strings.Fields(step)
			if words[0] != "SCAN" || small[words[1]] || forPeople[name] || whole[name] {
				continue
			}
			if !partial[words[len(words)-1]] {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
}

// indexes are what the plan of a query must have.
var indexes = map[string][]string{
	"Lease":            {"jobs_ready", "INTEGER PRIMARY KEY"},
	"NextRunAt":        {"jobs_ready"},
	"HasWork":          {"jobs_ready", "jobs_leased"},
	"UnfinishedJobs":   {"jobs_ready", "jobs_leased"},
	"RunNow":           {"jobs_ready"},
	"LeasedJobs":       {"jobs_leased"},
	"OpenOrderIDs":     {"orders_open"},
	"CountOpen":        {"orders_open"},
	"CountOrders":      {"orders_open"},
	"OrderIDsLike":     {"sqlite_autoindex_orders_1"},
	"OrderIDsEnding":   {"orders_end"},
	"BountyIDsEnding":  {"bounties_end"},
	"KnownOrders":      {"sqlite_autoindex_orders_1", "sqlite_autoindex_jobs_1", "sqlite_autoindex_deliveries_1"},
	"KnownMore":        {"sqlite_autoindex_orders_1", "sqlite_autoindex_quotes_1", "sqlite_autoindex_redeliveries_1"},
	"Renew":            {"INTEGER PRIMARY KEY"},
	"Complete":         {"INTEGER PRIMARY KEY"},
	"Advance":          {"INTEGER PRIMARY KEY"},
	"Reschedule":       {"INTEGER PRIMARY KEY"},
	"RescueJob":        {"INTEGER PRIMARY KEY"},
	"FinishAttempt":    {"INTEGER PRIMARY KEY"},
	"CrashAttempts":    {"attempts_job"},
	"CloseJobs":        {"sqlite_autoindex_jobs_1"},
	"LastEventID":      {"SEARCH events"},
	"Earnings":         {"SEARCH o USING INDEX orders_completed (completed_at>? AND completed_at<?)"},
	"ListClients":      {"SCAN o USING COVERING INDEX orders_client", "books_order"},
	"ClientOrders":     {"orders_of_client (client=?)"},
	"SeenSince":        {"orders_created"},
	"DueReviews":       {"orders_review"},
	"RequestsSince":    {"requests_at"},
	"OrderEvents":      {"events_order"},
	"Attention":        {"orders_open", "jobs_failing"},
	"Narrowed":         {"sqlite_autoindex_orders_1", "sqlite_autoindex_jobs_1", "calls_job"},
	"ExtrasOf":         {"sqlite_autoindex_orders_1", "books_order"},
	"OpenCallsOf":      {"sqlite_autoindex_jobs_1", "calls_job"},
	"DeliveredSince":   {"deliveries_settled"},
	"Queue":            {"jobs_ready", "jobs_leased"},
	"OldestWorking":    {"orders_open"},
	"CancelOrderCalls": {"calls_job"},
	"CancelJobCalls":   {"calls_job"},
	"DueCancellations": {"calls_cancel"},
	"NextCancellation": {"calls_cancel"},
	"UnansweredOrders": {"orders_open", "messages_at"},
	"RecentCalls":      {"calls USING INTEGER PRIMARY KEY (rowid>?)"},
	"RecentAttempts":   {"attempts USING INTEGER PRIMARY KEY (rowid>?)"},
	"JobsWaiting":      {"jobs_ready"},
	"RepeatWait":       {"a USING INTEGER PRIMARY KEY", "p USING INDEX attempts_job", "calls_attempt"},
	"JobsAtWork":       {"jobs_leased"},
	"PageOfAll":        {"orders_created (created_at>? AND created_at<?)"},
	"PageOfOpen":       {"orders_open"},
	"PageOfEnded":      {"orders_ended (state=? AND created_at>? AND created_at<?)"},
	"PageOfClient":     {"orders_of_client (client=? AND created_at>? AND created_at<?)"},
	"PageOfService":    {"orders_of_service (service=? AND created_at>? AND created_at<?)"},
	"PageOfGenerator":  {"calls_generator (generator=? AND id<?)", "sqlite_autoindex_jobs_1", "calls_job"},
	"LastCallOf":       {"sqlite_autoindex_jobs_1", "calls_job"},
	"FailedPayouts":    {"events_payout"},
	"UnpaidCompleted":  {"orders_unpaid", "events_order"},
	"OrderLines":       {"o USING INDEX sqlite_autoindex_orders_1", "INTEGER PRIMARY KEY"},
	"CompletedSince":   {"orders_completed (completed_at>?)"},
	"SearchTexts":      {"VIRTUAL TABLE INDEX", "d USING INTEGER PRIMARY KEY", "o USING INDEX sqlite_autoindex_orders_1"},
	"SearchPlace":      {"sqlite_autoindex_search_docs_1"},
	"EarningCosts":     {"orders_completed (completed_at>? AND completed_at<?)", "books_order"},
	"OtherCosts":       {"SEARCH b USING PRIMARY KEY (day>? AND day<?)"},
	"SpentByGenerator": {"SEARCH b USING PRIMARY KEY (day>? AND day<?)"},
	"CallsOfGenerator": {"calls_generator (generator=?)"},
	"OrdersByService":  {"SEARCH o USING COVERING INDEX orders_of_service (service=? AND created_at>?)"},

	"PageOfClientEnded":   {"COVERING INDEX orders_client (client=? AND state=? AND created_at>? AND created_at<?)"},
	"ForgetDay":           {"PRIMARY KEY (dimension=? AND day=?)"},
	"AddEarnedOfDay":      {"orders_completed (completed_at>? AND completed_at<?)"},
	"AddCostsOfDay":       {"orders_completed (completed_at>? AND completed_at<?)", "books_order"},
	"AddSpentOfDay":       {"PRIMARY KEY (day=?)"},
	"BooksByDay":          {"PRIMARY KEY (dimension=? AND day>? AND day<?)"},
	"BooksByMonth":        {"PRIMARY KEY (dimension=? AND day>? AND day<?)"},
	"BooksBy":             {"PRIMARY KEY (dimension=? AND day>? AND day<?)"},
	"WaitingClients":      {"orders_open", "messages_at"},
	"CountWaitingClients": {"orders_open", "messages_at"},
	"ClientsWrote":        {"m USING INDEX messages_client (at<?)", "messages_at (order_id=?"},
	"OrdersToAnswer":      {"orders_open"},
}

func TestHotQueriesUseTheirIndex(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	list := queries(t)
	for name, want := range indexes {
		sql, ok := list[name]
		if !ok {
			t.Errorf("there is no query %s", name)
			continue
		}
		steps := strings.Join(plan(t, s, sql), "; ")
		for _, index := range want {
			if !strings.Contains(steps, index) {
				t.Errorf("%s does not use %s: %s", name, index, steps)
			}
		}
	}
}
