package order

import "testing"

// TestAMarkShowsARestore guards each way in which a mark differs from its database.
func TestAMarkShowsARestore(t *testing.T) {
	t.Parallel()
	l := Ledger{ID: "a", Event: 10, Boot: 2, Marked: true}
	unmarked := l
	unmarked.Marked = false
	for name, c := range map[string]struct {
		ledger Ledger
		mark   *Mark
		want   bool
	}{
		"an upgrade or a new folder":    {unmarked, nil, false},
		"a mark that is missing":        {l, nil, true},
		"the mark of the last minute":   {l, &Mark{Ledger: "a", Event: 8, Boot: 2}, false},
		"a crash before the first mark": {unmarked, &Mark{Ledger: "a", Event: 10, Boot: 2}, false},
		"a mark with a newer event":     {l, &Mark{Ledger: "a", Event: 11, Boot: 2}, true},
		"a mark of a later start":       {l, &Mark{Ledger: "a", Event: 8, Boot: 3}, true},
		"another ledger's mark":         {l, &Mark{Ledger: "b"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if why := c.ledger.Behind(c.mark); (why != "") != c.want {
				t.Errorf("Behind is %q", why)
			}
		})
	}
}
