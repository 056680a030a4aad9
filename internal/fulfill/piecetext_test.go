package fulfill_test

import (
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/message"
	"atelierd/internal/order"
)

// TestOnlyAWindowHasPieces guards that the delivery of a plain order is taken for no piece
// after a restore, when both messages have the same template.
func TestOnlyAWindowHasPieces(t *testing.T) {
	t.Parallel()
	links, err := message.Parse("{{range .Links}}{{.}}{{end}}")
	if err != nil {
		t.Fatal(err)
	}
	templates := map[string]*message.Template{"piece": links, "delivered": links}
	f := fulfill.New(fulfill.Options{Services: map[string]fulfill.Service{
		"Pictures": {Templates: templates},
		"Week":     {Templates: templates, Pieces: true, Window: order.PaidWindow{Length: time.Hour}},
		"Month":    {Templates: templates, Window: order.PaidWindow{Length: time.Hour}},
	}})
	for service, want := range map[string]string{"Pictures": "", "Week": "https://x/1.png", "Month": ""} {
		if got := f.PieceText(order.Order{Facts: order.Facts{ID: "o1"}, Service: service}, 1, []string{"https://x/1.png"}); got != want {
			t.Errorf("the message of a piece of %s is %q, want %q", service, got, want)
		}
	}
}
