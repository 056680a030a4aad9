package order_test

import (
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestAReportedCostCountsForWhatIsCharged(t *testing.T) {
	t.Parallel()
	for charge, want := range map[order.Charge]order.USD{order.ChargeFull: 5, order.ChargeUnknown: 5, order.ChargeNone: 0, order.ChargePending: 0} {
		f := &order.Failure{Class: order.Retry, Charge: charge}
		if got := f.WithCost(5).Cost; got != want || f.Cost != 0 {
			t.Errorf("%q: cost %s, want %s", charge, got, want)
		}
	}
	known := &order.Failure{Class: order.Retry, Cost: 7}
	if got := known.WithCost(5).Cost; got != 7 {
		t.Errorf("a known cost became %s", got)
	}
}

func TestAFailureAboutASubmittedJobLeavesItPending(t *testing.T) {
	t.Parallel()
	f := &order.Failure{Class: order.Hold, Charge: order.ChargeNone}
	if got := f.WithTicket("job1").Charge; got != order.ChargePending {
		t.Errorf("a submitted job is charged %q", got)
	}
	if got := f.WithTicket("").Charge; got != order.ChargeNone {
		t.Errorf("without a job the charge is %q", got)
	}
}

func TestAJobThatIsPendingForADayIsHeld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failed order.FailedCall
		after  time.Duration
		held   bool
	}{
		"slow":              {failed(order.Wait, order.CodeSlow, order.ChargePending), 25 * time.Hour, true},
		"slow, today":       {failed(order.Wait, order.CodeSlow, order.ChargePending), 23 * time.Hour, false},
		"down":              {failed(order.Retry, order.CodeOutage, order.ChargePending, outage), 25 * time.Hour, true},
		"a failed attempt":  {failed(order.Retry, order.CodeOutputDir, order.ChargePending), 25 * time.Hour, false},
		"no job":            {failed(order.Wait, order.CodeProviderRateLimited, order.ChargeNone), 25 * time.Hour, false},
		"held for a reason": {failed(order.Hold, order.CodeNotFetched, order.ChargePending), 25 * time.Hour, false},
	} {
		got := c.failed.Failure.Overdue(c.after)
		if held := got.Code == order.CodeOverdue; held != c.held || held && (got.Class != order.Hold || got.Charge != order.ChargePending) {
			t.Errorf("%s: %s %s, charge %q", name, got.Class, got.Code, got.Charge)
		}
	}
}
