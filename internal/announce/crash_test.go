package announce

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestADaemonThatCrashesAgainAndAgainSaysSoOnce guards lives that are shorter than the time
// between two looks.
func TestADaemonThatCrashesAgainAndAgainSaysSoOnce(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		p := &phone{}
		for range 60 {
			s, err := store.Open(store.Options{Dir: dir})
			must(t, err)
			must(t, s.Boot(order.Boot{}))
			ctx, crash := context.WithTimeout(t.Context(), 10*time.Second)
			must(t, New(options(s, p)).Run(ctx))
			crash()
			must(t, s.Close())
		}
		if got := p.received(); len(got) != 1 || !strings.Contains(got[0].Title, "ended without stopping") || !got[0].Urgent {
			t.Errorf("sent %+v", got)
		}
	})
}
