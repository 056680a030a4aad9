package store

import (
	"strings"
	"testing"

	"atelierd/internal/order"
)

// The modes of the service Images.
var (
	auto   = order.Sending{Service: "Images", Mode: "auto"}
	review = sending("review", order.CodeReview)
	dryRun = sending("dry-run", order.CodeDryRun)
)

func sending(mode string, code order.Code) order.Sending {
	hold := order.Failf(order.Hold, code, "waits").WithHint("run %s", order.Command("orders retry", order.AnyOrder))
	return order.Sending{Service: "Images", Mode: mode, Files: hold, Price: hold}
}

// configure starts the store with another configuration.
func configure(tb testing.TB, s *Store, digest string, services ...order.Sending) {
	tb.Helper()
	if err := s.Configure(order.Configured{Digest: digest, Services: services}); err != nil {
		tb.Fatal(err)
	}
}

// made has the files of an order made in a mode, up to the stage next.
func made(tb testing.TB, s *Store, id string, mode order.Sending, next order.Stage) {
	tb.Helper()
	paid(tb, s, id)
	var hold *order.Failure
	if mode.Files != nil {
		hold = mode.Files.For(id)
	}
	finish(tb, s, order.Done{Job: take(tb, s, order.LaneGenerate), Result: order.Result{
		Next: next, Hold: hold, Artifacts: []order.Artifact{{Path: "artifacts/a.png", Name: "a.png"}},
	}})
}

// pricedIn has a price found in a mode.
func pricedIn(tb *testing.T, s *Store, id string, mode order.Sending) {
	tb.Helper()
	decided(tb, s, facts(id, order.PendingQuote), order.Decision{Service: "Images", State: order.StateWorking, Jobs: order.JobsQuote})
	var hold *order.Failure
	if mode.Price != nil {
		hold = mode.Price.For(id)
	}
	finish(tb, s, order.Done{Job: take(tb, s, order.LaneGenerate), Result: order.Result{
		Next: order.StageQuote, Hold: hold, Priced: &order.Priced{Price: 5 * order.Dollar, Source: order.SourceFixed},
	}})
}

// A change of a service's mode takes effect at the next start, without news from the
// marketplace.
func TestMadeWorkFollowsTheModeOfItsService(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		made, now order.Sending
		code      order.Code // "" is sent
	}{
		"a dry run ends":             {dryRun, auto, ""},
		"a dry run becomes a review": {dryRun, review, order.CodeReview},
		"a dry run continues":        {dryRun, dryRun, order.CodeDryRun},
		"its service is taken away":  {dryRun, order.Sending{Service: "Other"}, order.CodeDryRun},
		"a review is switched on":    {auto, review, order.CodeReview},
		"a dry run is switched on":   {auto, dryRun, order.CodeDryRun},
		"a review is switched off":   {review, auto, order.CodeReview},
		"nothing changes":            {auto, auto, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			configure(t, s, "1", c.made)
			made(t, s, "upload", c.made, order.StageUpload)
			made(t, s, "deliver", c.made, order.StageDeliver)
			pricedIn(t, s, "quote", c.made)
			for range 2 { // the second start finds nothing to do
				configure(t, s, "1", c.now)
			}
			for _, id := range []string{"upload", "deliver", "quote"} {
				o, want := getOrder(t, s, id), order.StateWorking
				if c.code != "" {
					want = order.StateHeld
				}
				if o.State != want || o.Code != c.code || strings.Contains(o.Hint, order.AnyOrder) {
					t.Errorf("%s: it is %s %q, hint %q; want %s %q", id, o.State, o.Code, o.Hint, want, c.code)
				}
				if ready := turn(t, s, nil, order.LaneNetwork, true).Job != nil; ready != (c.code == "") {
					t.Errorf("%s: it is ready: %v", id, ready)
				}
			}
		})
	}
}

func TestAnApprovalStandsWhenTheProgramStartsAgain(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	configure(t, s, "1", review)
	made(t, s, "o1", review, order.StageUpload)
	if err := openOwner(t, s.dir).Approve(t.Context(), "o1", 0); err != nil {
		t.Fatal(err)
	}
	configure(t, s, "2", review)
	if o := getOrder(t, s, "o1"); o.State != order.StateWorking {
		t.Errorf("it is %s %q", o.State, o.Code)
	}
	// A version without this record has left none.
	if err := s.SetFact(factMode+"Images", ""); err != nil {
		t.Fatal(err)
	}
	configure(t, s, "2", review)
	if o := getOrder(t, s, "o1"); o.State != order.StateWorking {
		t.Errorf("after an upgrade it is %s %q", o.State, o.Code)
	}
}

// What may have been sent is not held for a review: only a look shows what became of it.
func TestASendWithoutAnAnswerIsNotHeldForAReview(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	configure(t, s, "1", auto)
	j := toDeliver(t, s, "o1")
	if err := s.Intend(j, []string{"https://x.test/a.png"}); err != nil {
		t.Fatal(err)
	}
	finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Retry, order.CodeOutage, "no answer")})
	configure(t, s, "1", review)
	if o := getOrder(t, s, "o1"); o.State != order.StateWorking {
		t.Errorf("it is %s %q", o.State, o.Code)
	}
}

func TestWorkThatWaitsForASettingIsTriedAgainWithAnotherConfiguration(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	configure(t, s, "1")
	codes := order.SettingCodes()
	for _, code := range append(codes, order.CodeUnknownCall) {
		paid(t, s, string(code))
		finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Hold, code, "no")})
	}
	configure(t, s, "1")
	if _, n, err := s.PendingSends(t.Context()); err != nil || n != 0 {
		t.Errorf("with the same configuration %d jobs are ready, %v", n, err)
	}
	configure(t, s, "2")
	for _, code := range codes {
		if o := getOrder(t, s, string(code)); o.State != order.StateWorking || o.Code != "" {
			t.Errorf("%s: it is %s %q", code, o.State, o.Code)
		}
	}
	if _, n, err := s.PendingSends(t.Context()); err != nil || n != len(codes) {
		t.Errorf("%d jobs are ready, %v; want %d", n, err, len(codes))
	}
	if o := getOrder(t, s, string(order.CodeUnknownCall)); o.State != order.StateHeld {
		t.Errorf("a call whose outcome is unknown is %s", o.State)
	}
}
