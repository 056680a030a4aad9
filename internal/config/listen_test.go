package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestListenersOnOneAddressAreAMistake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		webhook, metrics string
		wrong            bool
	}{
		{"127.0.0.1:8377", "127.0.0.1:9377", false},
		{"127.0.0.1:8377", "127.0.0.2:8377", false},
		{"127.0.0.1:0", "127.0.0.1:0", false},
		{"a.example:8377", "b.example:8377", false},
		{"127.0.0.1:8377", "127.0.0.1:8377", true},
		{"localhost:8377", "127.0.0.1:8377", true},
		{":8377", "127.0.0.1:8377", true},
		{"127.0.0.1:8377", "0.0.0.0:8377", true},
		{"127.0.0.1:8377", "[::]:8377", true},
		{"a.example:8377", "a.example:8377", true},
	} {
		got := problems(t, good+fmt.Sprintf("\n[webhook]\nlisten = %q\n[metrics]\nlisten = %q\n", c.webhook, c.metrics))
		names := len(got) == 1 && strings.Contains(got[0], "metrics.listen: is the address of webhook.listen as well")
		if c.wrong && !names || !c.wrong && len(got) > 0 {
			t.Errorf("%s and %s: %q", c.webhook, c.metrics, got)
		}
	}
}

func TestAnAddressToListenOnHasAPort(t *testing.T) {
	t.Parallel()
	got := problems(t, good+"\n[metrics]\nlisten = \"127.0.0.1\"\n")
	if len(got) != 1 || !strings.Contains(got[0], `write them like "127.0.0.1:9377"`) {
		t.Errorf("the problems are %q", got)
	}
}
