package order_test

import (
	"strings"
	"testing"

	"atelierd/internal/order"
)

func TestCodesInWordsFitAColumnAndSayNoCode(t *testing.T) {
	t.Parallel()
	for _, code := range constants(t, "Code") {
		if text := order.Code(code).Words(); len(text) > 20 || strings.Contains(text, "_") {
			t.Errorf("%s in words is %q", code, text)
		}
	}
	for code, want := range map[order.Code]string{order.CodeNoService: "no such service", order.CodeRoundCap: "sent back too often", order.CodeNoGenerator: "no generator"} {
		if got := code.Words(); got != want {
			t.Errorf("%s in words is %q, want %q", code, got, want)
		}
	}
}

// Alerts whose name ends with a dot, and those of one order or sample, are shown with that.
func TestEachAlertOfTheDaemonHasASubject(t *testing.T) {
	t.Parallel()
	others := map[string]bool{"generator.": true, "model.": true, "sample": true, "deadline": true, "unanswered": true}
	for _, name := range constants(t, "Alert") {
		if what, state := order.Alert(name).Code().Subject(); (what == "" || state == "") != others[name] {
			t.Errorf("alert %s is shown as %q %q", name, what, state)
		}
	}
	if what, state := order.CodePaused.Subject(); what != "" || state != "" {
		t.Errorf("a code that is no alert is shown as %q %q", what, state)
	}
}
