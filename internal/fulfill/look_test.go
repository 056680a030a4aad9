package fulfill

import (
	"testing"

	"atelierd/internal/order"
)

func TestWhatALookSaysAboutADelivery(t *testing.T) {
	t.Parallel()
	none, sent := order.Delivery{}, order.Delivery{State: order.DeliverySending}
	refused := order.Delivery{State: order.DeliveryRefused}
	ours, theirs := []string{"a", "b"}, []string{"x"}
	both := []string{"x", "b", "a"}
	for _, c := range []struct {
		says   string
		status order.Status
		shown  []string
		before order.Delivery
		round  int
		want   verdict
	}{
		{"a paid order was not delivered", order.Paid, nil, none, 0, open},
		{"one in progress neither", order.InProgress, nil, none, 0, open},
		{"nor after a send that did not arrive", order.Paid, nil, sent, 0, open},
		{"nor after one that was refused", order.Paid, nil, refused, 0, open},
		{"a send that shows has arrived", order.Delivered, ours, sent, 0, arrived},
		{"so it has while the status lags", order.Paid, ours, sent, 0, arrived},
		{"so it has next to older files", order.Delivered, both, sent, 1, arrived},
		{"so it has on a marketplace that shows no files", order.Delivered, nil, sent, 0, arrived},
		{"so it has when the order is completed already", order.Completed, ours, sent, 0, arrived},
		{"completed without a sign of files, it is ours", order.Completed, nil, sent, 0, arrived},
		{"our files without a send were brought by the owner", order.Delivered, ours, none, 0, arrived},
		{"one of two files is not our delivery", order.Delivered, []string{"a"}, sent, 0, elsewhere},
		{"other files are somebody else's", order.Delivered, theirs, none, 0, elsewhere},
		{"even if ours was sent", order.Delivered, theirs, sent, 0, elsewhere},
		{"delivered without a send is somebody else's", order.Delivered, nil, none, 0, elsewhere},
		{"a cancelled order wants nothing", order.Cancelled, nil, none, 0, ended},
		{"not even after a send", order.Cancelled, ours, sent, 0, ended},
		{"a completed order wants nothing", order.Completed, theirs, none, 0, ended},
		{"sent back, ours had arrived", order.Disputed, ours, sent, 0, arrived},
		{"sent back where no files show, ours had arrived", order.RevisionRequested, nil, sent, 0, arrived},
		{"sent back without a send of ours", order.Disputed, theirs, none, 0, elsewhere},
		{"the next round of a dispute is open", order.Disputed, theirs, none, 1, open},
		{"and of a revision, where no files show", order.RevisionRequested, nil, none, 1, open},
		{"a next round that shows has arrived", order.Disputed, both, sent, 1, arrived},
		{"a next round that does not show has not", order.Disputed, theirs, sent, 1, open},
		{"a next round where no files show is unclear", order.Disputed, nil, sent, 1, unclear},
		{"a refused one is not", order.Disputed, nil, refused, 1, open},
		{"a quote is no order yet", order.Quoted, nil, none, 0, ended},
		{"nor is a status of tomorrow", "under_moderation", nil, none, 0, ended},
	} {
		facts := order.Facts{Status: c.status, Deliverables: c.shown}
		if got := shown(facts, c.before, c.round, ours); got != c.want {
			t.Errorf("%s: verdict %d, want %d", c.says, got, c.want)
		}
	}
}

func TestWithoutURLsNothingIsOurs(t *testing.T) {
	t.Parallel()
	facts := order.Facts{Status: order.Delivered, Deliverables: []string{"x"}}
	if got := shown(facts, order.Delivery{State: order.DeliverySending}, 0, nil); got != elsewhere {
		t.Errorf("verdict %d", got)
	}
}
