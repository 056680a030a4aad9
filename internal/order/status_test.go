package order_test

import (
	"slices"
	"testing"

	"atelierd/internal/order"
)

func TestWhatEachStatusMeansForUs(t *testing.T) {
	t.Parallel()
	type meaning struct{ known, ended, takes, reopened, live bool }
	for status, want := range map[order.Status]meaning{
		order.PendingQuote:      {known: true, live: true},
		order.Quoted:            {known: true, live: true},
		order.Accepted:          {known: true, live: true},
		order.Paid:              {known: true, live: true, takes: true},
		order.InProgress:        {known: true, live: true, takes: true},
		order.Delivered:         {known: true, live: true},
		order.Disputed:          {known: true, live: true, takes: true, reopened: true},
		order.RevisionRequested: {known: true, live: true, takes: true, reopened: true},
		order.Cancelled:         {known: true, live: true, ended: true},
		order.Completed:         {known: true, ended: true},
		"under_moderation":      {},
		"":                      {},
		"PAID":                  {},
	} {
		got := meaning{
			status.Known(), status.Ended(), status.TakesDelivery(), status.Reopened(),
			slices.Contains(order.LiveStatuses(), status),
		}
		if got != want {
			t.Errorf("%q: %+v, want %+v", status, got, want)
		}
	}
}

func TestTheListsOfStatusesAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	live := order.LiveStatuses()
	live[0] = "changed"
	all := order.AllStatuses()
	if slices.Contains(order.LiveStatuses(), "changed") || len(all) != len(live)+1 || all[len(all)-1] != order.Completed {
		t.Errorf("live %v, all %v", order.LiveStatuses(), all)
	}
}

func TestStagesRunOnTheLaneThatLimitsThem(t *testing.T) {
	t.Parallel()
	for stage, want := range map[order.Stage]order.Lane{
		order.StageGenerate: order.LaneGenerate,
		order.StageUpload:   order.LaneNetwork, order.StageDeliver: order.LaneNetwork,
	} {
		if got := stage.Lane(); got != want {
			t.Errorf("%s runs on the lane %s", stage, got)
		}
	}
}

func TestAListIsEncodedAsAnArrayAndNeverAsNull(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]string{"[]": nil, `["a","\"\n"]`: {"a", "\"\n"}} {
		if got := order.EncodeStrings(list); got != want {
			t.Errorf("%q is %s, want %s", list, got, want)
		}
	}
}
