package view

import (
	"strings"
	"testing"

	"atelierd/internal/order"
)

// TestAnAlertOfTheDaemonHasANextStepOfItsOwn guards status and notifications, which both
// show it.
func TestAnAlertOfTheDaemonHasANextStepOfItsOwn(t *testing.T) {
	t.Parallel()
	for alert, want := range map[order.Alert]string{
		order.NotifyAlert("phone"): "`atelierd notify test`",
		order.AlertPoll:            "`atelierd doctor`",
		order.AlertThreads:         "`atelierd doctor`",
		order.AlertDatabase:        "stop the daemon",
		order.AlertWindow:          `window = "messages"`,
		order.AlertReload:          "`atelierd reload`",
		order.AlertPaused:          "`atelierd resume`",
		order.AlertKey:             "`atelierd doctor`",
	} {
		c := order.Condition{What: "daemon", ID: string(alert), Code: alert.Code()}
		if hint := NextStep(c); !strings.Contains(hint, want) {
			t.Errorf("the next step for %s is %q, want %s in it", alert, hint, want)
		}
	}
}
