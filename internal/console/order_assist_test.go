package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// TestWhatTheAssistantFoundIsOnThePage guards that an owner who approves what was found too
// bad sees why it waits, and that a model's words stay words.
func TestWhatTheAssistantFoundIsOnThePage(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script>` + "\u202e"
	s := newSite(t)
	s.place(order.Facts{ID: "ord_1", Status: order.Paid, Brief: "a canyon", Price: dollars(12)})
	turn, err := s.store.Turn(nil, order.LaneGenerate, true, time.Minute)
	if err != nil || turn.Job == nil {
		t.Fatal("no job is due", err)
	}
	j, low := *turn.Job, 4
	for _, err := range []error{
		s.store.PutPrompt(j, order.Prompt{Kind: j.Kind, Take: 1, Text: "A canyon, " + evil, Requirements: []string{"There is a canyon."}}, nil),
		s.store.PutCheck(j, order.Check{Kind: j.Kind, Take: 1, Files: "a", Score: &low, Below: 6, Problems: []string{"No canyon. " + evil}}, nil),
		s.store.OpenNextTake(j, order.NextTake{Files: []order.Artifact{s.png("a.png", "a")}, Note: "take 2"}),
		s.store.PutPrompt(j, order.Prompt{Kind: j.Kind, Take: 2, Note: "it was over a cap"}, nil),
		s.store.OpenNextTake(j, order.NextTake{SameAs: 1, Check: &order.Check{Kind: j.Kind, Take: 2, Note: "a cap is reached"}, Note: "take 3"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	held := order.Failf(order.Hold, order.CodeReview, "waits for your approval: the assistant's check gives the files 4 of 10")
	done := order.Done{Job: j, Result: order.Result{Next: order.StageUpload, Hold: held, Artifacts: []order.Artifact{s.png("b.png", "b")}}}
	if _, err := s.store.Turn(&done, order.LaneGenerate, false, time.Minute); err != nil {
		t.Fatal(err)
	}
	s.want(s.link(), http.StatusSeeOther)
	page := s.get("/orders/ord_1")
	s.want(page, http.StatusOK, "The assistant", "4 of 10, below 6", "No canyon. &lt;script&gt;", "A canyon, &lt;script&gt;", "- There is a canyon.", "The template was used",
		"it was over a cap", "not made: a cap is reached", "the files of take 1", held.Error()[:20], `action="/orders/ord_1/approve"`)
	if strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, "\u202e") {
		t.Error("the words of a model are markup")
	}
}
