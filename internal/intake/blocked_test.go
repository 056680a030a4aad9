package intake_test

import (
	"slices"
	"testing"

	"atelierd/internal/order"
)

// TestABlockedClientGetsNothingNew guards what follows for the orders of a blocked client in
// each state: what is sent takes its way, and what waits for the owner keeps its reason.
func TestABlockedClientGetsNothingNew(t *testing.T) {
	t.Parallel()
	approved := func(k order.Known) order.Known { k.ClientApproved = true; return k }
	quoting := func(k order.Known, job order.JobState, q order.QuoteState) order.Known {
		k.Quoting, k.Quote = job, q
		return k
	}
	const blocked = order.CodeClientBlocked
	for _, c := range []decisionCase{
		{"a new order is held", order.Known{}, order.Paid, isHeld, order.JobsKeep, blocked, 0},
		{"a wish for a price is held", order.Known{}, order.PendingQuote, isHeld, order.JobsKeep, blocked, 0},
		{"ready work is held", known(working, order.Paid, ready, nothing), order.Paid, isHeld, order.JobsHold, blocked, 0},
		{"what stays held stays so", code(known(isHeld, order.Paid, held, nothing), blocked), order.Paid, isHeld, order.JobsKeep, blocked, 0},
		{"what waits for approval keeps its reason", code(known(isHeld, order.Paid, held, nothing), order.CodeReview), order.Paid, isHeld, order.JobsKeep, order.CodeReview, 0},
		{"a delivery on its way continues", known(working, order.Paid, leased, sending), order.Paid, working, order.JobsKeep, "", 0},
		{"a round that is sent back is held", known(delivered, order.Delivered, done, confirmed), order.Disputed, isHeld, order.JobsKeep, blocked, 0},
		{"a delivered order stays delivered", known(delivered, order.Delivered, done, confirmed), order.Delivered, delivered, order.JobsKeep, "", 0},
		{"files are delivered again", known(delivered, order.Delivered, done, confirmed), order.Paid, working, order.JobsAgain, "", 0},
		{"it completes", code(known(isHeld, order.Paid, none, nothing), blocked), order.Completed, order.StateCompleted, order.JobsClose, "", 0},
		{"a quote on its way continues", quoting(known(working, order.PendingQuote, none, nothing), leased, order.QuoteSending), order.PendingQuote, working, order.JobsKeep, "", 0},
		{"an approved order is worked on", approved(order.Known{Exists: true, State: waiting, Status: order.Paid}), order.Paid, working, order.JobsOpen, "", 0},
	} {
		shop := slices.Clone(shop)
		shop[0].Clients = order.ClientRules{Block: []string{"pest", "ext_1"}}
		for _, who := range []order.Facts{{ClientWallet: "pest"}, {ClientAgent: "ext_1", ClientWallet: "w"}, {ClientAgent: "ext_2", ClientWallet: "pest"}} {
			f := facts(c.status)
			f.ClientWallet, f.ClientAgent = who.ClientWallet, who.ClientAgent
			d := shop.Decide(c.known, f)
			if d.State != c.state || d.Jobs != c.jobs || d.Code != c.code {
				t.Errorf("%s: %+v", c.name, d)
			}
		}
		f := facts(order.Paid)
		f.ClientWallet = "w"
		if d := shop.Decide(code(known(isHeld, order.Paid, held, nothing), blocked), f); d.State != working || d.Jobs != order.JobsRelease {
			t.Errorf("not blocked any more: %+v", d)
		}
	}
}

// TestAClientMayHaveSomeRounds guards the limit on rounds, which the owner's approval lifts.
func TestAClientMayHaveSomeRounds(t *testing.T) {
	t.Parallel()
	shop := slices.Clone(shop)
	shop[0].Clients = order.ClientRules{MaxRounds: 2}
	f := facts(order.RevisionRequested)
	f.ClientWallet = "w"
	first, second := known(delivered, order.Delivered, done, confirmed), round(known(delivered, order.Delivered, done, confirmed), 1)
	if d := shop.Decide(first, f); d.State != working || d.Round != 1 {
		t.Errorf("the second round: %+v", d)
	}
	if d := shop.Decide(second, f); d.State != isHeld || d.Code != order.CodeClientRounds {
		t.Errorf("the third round: %+v", d)
	}
	second.ClientApproved = true
	if d := shop.Decide(second, f); d.State != working || d.Round != 2 {
		t.Errorf("the third round, approved: %+v", d)
	}
}
