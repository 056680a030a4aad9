package store

import (
	"database/sql"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// promised are the views and their columns, which no release changes.
var promised = map[string]string{
	"v_orders": "id service state remote_status round price_usd cost_usd stage job_state brief reason hint created_at " +
		"seen_at due_at delivered_at completed_at seconds_to_deliver client_wallet deliverables raw window_ends_at quota_total quota_used pieces " +
		"brief_english brief_spec rating review",
	"v_orders_open": "id service state remote_status round price_usd cost_usd stage job_state brief reason hint created_at " +
		"seen_at due_at delivered_at completed_at seconds_to_deliver client_wallet deliverables raw window_ends_at quota_total quota_used pieces " +
		"brief_english brief_spec rating review",
	"v_attempts":         "id order_id round stage attempt outcome code error cost_usd started_at finished_at seconds log kind looks",
	"v_timeline":         "at order_id what text actor",
	"v_earnings_daily":   "day orders gross_usd fee_usd net_usd cost_usd profit_usd rating",
	"v_attention":        "what id state code reason hint since due",
	"v_alerts":           "id what subject code event reason hint opened_at closed_at",
	"v_runs":             "id version began_at ended_at crashed_at note host epoch",
	"v_notifications":    "id target title text tries created_at due_at sent_at failed_at reason",
	"v_requests_hour":    "hour kind requests answered refused server_errors unanswered",
	"v_quotes":           "order_id service remote_status price_usd source state tries sent_at settled_at note brief",
	"v_calls":            "id order_id kind round attempt generator state ticket cost_usd began_at closed_at note key epoch purpose",
	"v_messages":         "order_id at party sender content state reason",
	"v_bounties":         "id title category budget_usd service state reason order_id claimed_at brief",
	"v_earnings":         "id service day gross_usd fee_usd net_usd cost_usd profit_usd paid_out payout_tx completed_at rating client payout_at",
	"v_earnings_service": "service orders gross_usd fee_usd net_usd cost_usd profit_usd rating",
	"v_clients":          "client orders open completed gross_usd cost_usd sent_back disputes rating last_order_at",
	"v_unpaid":           "id service completed_at net_usd note",
	"v_costs_daily":      "day cost_usd lost_usd attempts",
	"v_costs_generator":  "day generator service client kind cost_usd lost_usd",
	"v_costs_assistant":  "day purpose service calls cost_usd lost_usd",
	"v_rounds":           "order_id service round delivered_at assisted sent_back",
	"v_takes":            "order_id kind round take instructions from_these files urls opened_at made_at by_check same_as",
	"v_checks":           "order_id kind round take score below problems note checked_at",
	"v_pieces":           "order_id number request job_state stage message_state sent_at urls created_at",
}

// life returns a store in which each view has rows.
func life(t *testing.T) *Store {
	t.Helper()
	s := openNew(t, Options{})
	if err := s.Boot(order.Boot{}); err != nil {
		t.Fatal(err)
	}
	j := toDeliver(t, s, "o1")
	if _, err := s.BeginCall(j, order.NewCall{Generator: order.Assistant, Purpose: order.PurposePrompt}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginCall(j, order.NewCall{Generator: "studio"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Uploaded(j, 1, "https://x/a.png", "image"); err != nil {
		t.Fatal(err)
	}
	if err := s.Intend(j, []string{"https://x/a.png"}); err != nil {
		t.Fatal(err)
	}
	finish(t, s, order.Done{Job: j, Result: order.Result{Delivery: order.DeliveryConfirmed, Cost: 40_000}})
	done := facts("o1", order.Completed)
	price := 5 * order.Dollar
	done.Price, done.ClientWallet, done.CompletedAt = &price, "wallet", time.Now() // so its payout is not late
	apply(t, s, batch(done, facts("o2", order.Paid)))
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Hold, order.CodeMisconfigured, "no program").WithHint("set it")})
	for _, status := range []int{200, 429, 500, 0} {
		id, err := s.CountRequest(order.Request{Kind: order.RequestPoll}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AnswerRequest(id, order.Answer{Status: status, At: time.Now()}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetAlert(order.AlertKey, "the key is refused"); err != nil {
		t.Fatal(err)
	}
	apply(t, s, batch(facts("o3", order.PendingQuote)))
	if err := (Owner{Store: s}).Quote(t.Context(), "o3", price); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApplyThread(order.Thread{
		OrderID: "o2", Pieces: true, Next: placed,
		Messages: []order.Message{{ID: "m1", Party: order.PartyClient, Text: "a blue one", At: placed}},
	}); err != nil {
		t.Fatal(err)
	}
	checkedOnce(t, s, "o1")
	phone := order.Listener{Name: "phone", News: order.AllNews()}
	if _, err := s.CheckAlerts(order.Watch{Listeners: []order.Listener{phone}}); err != nil {
		t.Fatal(err)
	}
	if d, _, err := s.NextDispatch(phone, time.Minute, false); d == nil || err != nil {
		t.Fatalf("nothing is sent: %v", err)
	}
	if err := s.IntendClaim(order.Claim{Bounty: order.Bounty{ID: "b1", Budget: price}, Service: "Images"}); err != nil {
		t.Fatal(err)
	}
	return s
}

// checkedOnce stores a check of the files of an order.
func checkedOnce(t *testing.T, s *Store, id string) {
	t.Helper()
	j := order.Job{OrderID: id, Kind: order.KindDelivery}
	if err := s.write("check", func(t *tx) error { return t.putCheck(j, order.Check{Take: 1, Note: "it was not asked"}) }); err != nil {
		t.Fatal(err)
	}
}

func TestTheViewsKeepTheirColumns(t *testing.T) {
	t.Parallel()
	s := life(t)
	var names []string
	for name := range promised {
		names = append(names, name)
	}
	slices.Sort(names)
	var got []string
	rows, err := s.reads.Query("SELECT name FROM sqlite_master WHERE type = 'view' AND name LIKE 'v!_%' ESCAPE '!' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		got = append(got, name)
	}
	rows.Close()
	if !slices.Equal(got, names) {
		t.Errorf("views %v, want %v", got, names)
	}
	for name, columns := range promised {
		rows, err := s.reads.Query("SELECT * FROM " + name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Fields(columns); !slices.Equal(got, want) {
			t.Errorf("%s has the columns %v, want %v", name, got, want)
		}
		if !rows.Next() {
			t.Errorf("%s shows nothing: %v", name, rows.Err())
		}
		rows.Close()
	}
}

// TestTheViewsWorkInTheInstalledShell guards that the views work in the sqlite3 of
// the system, which is often years older than the engine in this program.
func TestTheViewsWorkInTheInstalledShell(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3 shell is installed")
	}
	s := life(t)
	for name := range promised {
		out, err := exec.Command(shell, "-readonly", filepath.Join(s.dir, FileName), "SELECT * FROM "+name).CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

func TestTheViewsSayWhatHappened(t *testing.T) {
	t.Parallel()
	s := life(t)
	db := s.reads
	for name, query := range map[string]string{
		"earnings": "SELECT orders || ' ' || gross_usd || ' ' || fee_usd || ' ' || net_usd || ' ' || cost_usd || ' ' || profit_usd " +
			"FROM v_earnings_daily",
		"order":     "SELECT state || ' ' || price_usd || ' ' || cost_usd || ' ' || stage || ' ' || job_state FROM v_orders WHERE id = 'o1'",
		"open":      "SELECT group_concat(id) FROM v_orders_open",
		"attempts":  "SELECT group_concat(stage || ' ' || outcome, ', ') FROM (SELECT * FROM v_attempts WHERE order_id = 'o1' ORDER BY id)",
		"attention": "SELECT group_concat(what || ' ' || id || ' ' || reason, ', ') FROM (SELECT * FROM v_attention WHERE id <> 'payout' ORDER BY what DESC)",
		"requests":  "SELECT kind || ' ' || requests || ' ' || answered || ' ' || refused || ' ' || server_errors || ' ' || unanswered FROM v_requests_hour",
	} {
		want := map[string]string{
			"earnings": "1 5.0 0.5 4.5 0.04 4.46",
			"order":    "completed 5.0 0.04 deliver done",
			"open":     "o2,o3",
			"attempts": "generate done, upload done, deliver done",
			"attention": "order o2 no program, order o2 its client wrote at 2026-11-23 15:04 UTC and has no answer, " +
				"order o3 it is due at 16:04 UTC and not delivered, daemon alert.key the key is refused",
			"requests": "poll 4 1 1 1 1",
		}[name]
		if got := scan[string](t, db, query); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	got := timeline(t, db, "o1")
	for _, what := range []string{
		"generate started", "generate done", "upload started", "upload done",
		"deliver started", "file uploaded", "delivering", "delivered", "deliver done", "status",
	} {
		if !slices.Contains(got, what) {
			t.Errorf("the timeline %v lacks %q", got, what)
		}
	}
}

// timeline returns the events of an order. Those of one millisecond have no order.
func timeline(t *testing.T, db *sql.DB, id string) []string {
	t.Helper()
	rows, err := db.Query("SELECT what FROM v_timeline WHERE order_id = ?", id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var what string
		if err := rows.Scan(&what); err != nil {
			t.Fatal(err)
		}
		list = append(list, what)
	}
	return list
}
