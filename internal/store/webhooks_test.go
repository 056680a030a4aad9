package store

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
)

// said is a webhook with the words of a client. The hash is of text and revision.
func said(event, text string, revision int) order.Webhook {
	return order.Webhook{
		OrderID: "o1", Event: event, Hash: fmt.Sprint(text, revision), Revision: revision, Text: text, SignedAt: time.Now(),
	}
}

func record(t *testing.T, s *Store, hooks ...order.Webhook) {
	t.Helper()
	for _, w := range hooks {
		if err := s.RecordWebhook(w); err != nil {
			t.Fatal(err)
		}
	}
}

// shows records a thread with one message of the client for each text, written now.
func shows(t *testing.T, s *Store, pieces bool, texts ...string) {
	t.Helper()
	th := order.Thread{OrderID: "o1", Pieces: pieces}
	for i, text := range texts {
		th.Messages = append(th.Messages, order.Message{
			ID: fmt.Sprintf("m%d", i), Party: order.PartyClient, Sender: "client", Text: text, At: time.Now(),
		})
	}
	if _, err := s.ApplyThread(th); err != nil {
		t.Fatal(err)
	}
}

// thread is what the store has of the thread of o1: the texts, each with who said so.
func thread(t *testing.T, s *Store) (texts []string) {
	t.Helper()
	list, err := s.Thread(t.Context(), "o1")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		texts = append(texts, m.Sender+": "+m.Text)
	}
	slices.Sort(texts)
	return texts
}

func pieces(t *testing.T, s *Store) int {
	t.Helper()
	list, err := s.Pieces(t.Context(), "o1")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

const (
	wrote   = order.EventMessage
	revised = "order.revision_requested"
)

// spoken is what webhooks and threads say, and the thread that follows from it.
type spoken map[string]struct {
	act  func(t *testing.T, s *Store)
	want []string
}

func (list spoken) check(t *testing.T) {
	for name, c := range list {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			synctest.Test(t, func(t *testing.T) {
				s := openNew(t, Options{Dir: dir})
				paid(t, s, "o1")
				c.act(t, s)
				if got := thread(t, s); !slices.Equal(got, c.want) {
					t.Errorf("the thread is %q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestAWebhookThatIsSentAgainIsOneEntry guards the identity of an entry: order, event,
// data and revision, within a minute.
func TestAWebhookThatIsSentAgainIsOneEntry(t *testing.T) {
	t.Parallel()
	spoken{
		"sent three times": {func(t *testing.T, s *Store) {
			for range 3 {
				record(t, s, said(revised, "bluer", 1))
				time.Sleep(6 * time.Second)
			}
		}, []string{"order.revision_requested: bluer"}},
		"the same words a minute later": {func(t *testing.T, s *Store) {
			record(t, s, said(wrote, "more", 0))
			time.Sleep(61 * time.Second)
			record(t, s, said(wrote, "more", 0))
		}, []string{"order.message: more", "order.message: more"}},
		"a replay after a restart": {func(t *testing.T, s *Store) {
			w := said(wrote, "more", 0)
			record(t, s, w)
			time.Sleep(4 * time.Minute)
			record(t, s, w)
		}, []string{"order.message: more"}},
		"another revision with the same words": {func(t *testing.T, s *Store) {
			record(t, s, said(revised, "bluer", 1), said(revised, "bluer", 2))
		}, []string{"order.revision_requested: bluer", "order.revision_requested: bluer"}},
		"an order that is not known yet": {func(t *testing.T, s *Store) {
			early := said(wrote, "hello", 0)
			early.OrderID = "o2"
			record(t, s, early)
			paid(t, s, "o2")
			if list, err := s.Thread(t.Context(), "o2"); err != nil || len(list) != 1 || list[0].Text != "hello" {
				t.Errorf("the thread of the new order is %v, %v", list, err)
			}
		}, nil},
	}.check(t)
}

// TestAWebhookAndTheThreadAreOneEntry guards that the page's message, the webhook about
// it and the feedback that it repeats are merged, one for one.
func TestAWebhookAndTheThreadAreOneEntry(t *testing.T) {
	t.Parallel()
	spoken{
		"feedback that the page writes as a message": {func(t *testing.T, s *Store) {
			record(t, s, said(revised, "bluer", 1))
			time.Sleep(20 * time.Second)
			record(t, s, said(wrote, "bluer", 0))
			shows(t, s, false, "bluer")
		}, []string{"client: bluer"}},
		"the thread before the webhooks": {func(t *testing.T, s *Store) {
			shows(t, s, false, "bluer")
			time.Sleep(20 * time.Second)
			record(t, s, said(revised, "bluer", 1), said(wrote, "bluer", 0))
		}, []string{"client: bluer"}},
		"the same words in the thread much later": {func(t *testing.T, s *Store) {
			record(t, s, said(revised, "bluer", 1))
			time.Sleep(3 * time.Minute)
			shows(t, s, false, "bluer")
		}, []string{"client: bluer", "order.revision_requested: bluer"}},
		"twice in the thread, one webhook": {func(t *testing.T, s *Store) {
			record(t, s, said(wrote, "more", 0))
			shows(t, s, false, "more", "more")
		}, []string{"client: more", "client: more"}},
		"a marketplace whose clock is three minutes ahead": {func(t *testing.T, s *Store) {
			w := said(wrote, "more", 0)
			w.SignedAt = w.SignedAt.Add(3 * time.Minute)
			record(t, s, w)
			if _, err := s.ApplyThread(order.Thread{OrderID: "o1", Messages: []order.Message{
				{ID: "m0", Party: order.PartyClient, Sender: "client", Text: "more", At: w.SignedAt},
			}}); err != nil {
				t.Fatal(err)
			}
		}, []string{"client: more"}},
	}.check(t)
}

// TestAPieceBelongsToItsEntry guards that neither a webhook that is sent again nor the
// thread makes another piece of the same wish, and that feedback asks for none.
func TestAPieceBelongsToItsEntry(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := openNew(t, Options{Dir: dir})
		paid(t, s, "o1")
		record(t, s, said(wrote, "a fox", 0), said(revised, "bluer", 1))
		shows(t, s, true) // the thread is full, or not up to date
		if n := pieces(t, s); n != 1 {
			t.Fatalf("a wish in a webhook asks for %d pieces", n)
		}
		time.Sleep(10 * time.Second)
		record(t, s, said(wrote, "a fox", 0))
		shows(t, s, true, "a fox")
		if n := pieces(t, s); n != 1 {
			t.Errorf("sent again and shown, it asks for %d pieces", n)
		}
		shows(t, s, true, "a fox", "a fox")
		if n := pieces(t, s); n != 2 {
			t.Errorf("said twice, it asks for %d pieces", n)
		}
	})
}

func TestAPayoutAndARejectedClaimAreRecorded(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	if err := s.IntendClaim(order.Claim{Bounty: order.Bounty{ID: "b1", Title: "a fox", Budget: order.Dollar}, Service: "Images"}); err != nil {
		t.Fatal(err)
	}
	amount := 5 * order.Dollar
	record(t, s, order.Webhook{OrderID: "o1", Event: "order.payout_sent", Hash: "h", Amount: &amount, SignedAt: time.Now()},
		order.Webhook{Event: "bounty.claim_rejected", BountyID: "b1", SignedAt: time.Now()})
	row, err := s.read.GetOrder(t.Context(), "o1")
	if err != nil || row[0].PayoutUsdMicros == nil || *row[0].PayoutUsdMicros != amount {
		t.Errorf("the payout is %v, %v", row[0].PayoutUsdMicros, err)
	}
	done := facts("o1", order.Completed)
	price := 5 * order.Dollar
	done.Price, done.Raw = &price, []byte(`{"id":"o1","status":"completed"}`)
	apply(t, s, batch(done))
	if list := accounts(t, s, Period{}).Earned; len(list) != 1 || list[0].Net() != amount || !list[0].Paid || list[0].PaidAt.IsZero() {
		t.Errorf("the order has earned %+v", list)
	}
	if b, err := s.read.GetBounty(t.Context(), "b1"); err != nil || b[0].RejectedAt.IsZero() {
		t.Errorf("the claim was rejected at %v, %v", b[0].RejectedAt, err)
	}
}
