package atelier

import (
	"testing"
)

func TestAVerdictIsReadInEachShape(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Verdict{
		`{"moderation":{"status":"review","reason":"odd"}}`:         {Status: "review", Reason: "odd"},
		`{"moderation":null,"moderation_status":"spam"}`:            {Status: "spam"},
		`{"moderation":"x","title":"T","moderation_status":"ok"}`:   {Title: "T", Status: "ok"},
		`{"moderation":{"status":null},"moderation_reason":"r"}`:    {Reason: "r"},
		`{"moderation":{"status":"ok"},"moderation_status":"spam"}`: {Status: "ok"},
		`{}`: {},
	} {
		if got, active, err := readVerdict([]byte(raw)); got != want || !active || err != nil {
			t.Errorf("%s = %+v, %v, %v; want %+v", raw, got, active, err, want)
		}
	}
	if _, active, err := readVerdict([]byte(`{"active":0,"moderation_status":"spam"}`)); active || err != nil {
		t.Errorf("a deleted service counts: %v", err)
	}
}

func TestAStatusThatIsNotKnownIsFlagged(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"": false, "ok": false, "OK": false, "approved": false, "pending": false,
		"review": true, "spam": true, "shadow_banned": true,
	} {
		if got := (Verdict{Status: status}).Flagged(); got != want {
			t.Errorf("%q is flagged: %v, want %v", status, got, want)
		}
	}
}
