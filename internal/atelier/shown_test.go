package atelier

import (
	"testing"

	"atelierd/internal/order"
)

func TestOnlyAnEmptyListOfTheOrderItselfShowsNoFiles(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]order.Shown{
		`{"order":{"id":"o","status":"delivered"},"deliverables":[]}`:                                             order.ShownNone,
		`{"order":{"id":"o","status":"delivered","deliverable_url":null},"deliverables":null}`:                    order.ShownNone,
		`{"order":{"id":"o","status":"delivered"},"deliverables":"[]"}`:                                           order.ShownNone,
		`{"order":{"id":"o","status":"delivered"}}`:                                                               order.ShownUnknown,
		`{"id":"o","status":"delivered"}`:                                                                         order.ShownUnknown,
		`{"order":{"id":"o","status":"delivered"},"deliverables":[{"odd":1}]}`:                                    order.ShownUnknown,
		`{"order":{"id":"o","status":"delivered","deliverable_url":{"odd":1}},"deliverables":[]}`:                 order.ShownUnknown,
		`{"order":{"id":"o","status":"delivered","deliverable_url":"https://a.test/1"},"deliverables":[]}`:        order.ShownFiles,
		`{"order":{"id":"o","status":"delivered"},"deliverables":[{"deliverable_url":"https://a.test/1"}]}`:       order.ShownFiles,
		`{"order":{"id":"o","status":"delivered"},"deliverables":"[{\"deliverable_url\":\"https://a.test/1\"}]"}`: order.ShownFiles,
	} {
		facts, err := readOneOrder(oneOrder{data: []byte(answer)}, "o")
		if err != nil || facts.Shown != want {
			t.Errorf("%s shows %q, want %q, %v", answer, facts.Shown, want, err)
		}
	}
	row, err := readOrder([]byte(`{"id":"o","status":"delivered","deliverable_url":null,"deliverables":[]}`))
	if err != nil || row.Shown != order.ShownUnknown {
		t.Errorf("a row of a listing shows %q, %v", row.Shown, err)
	}
}
