package generate

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func TestTheRegistryMakesEveryTypeItNames(t *testing.T) {
	for _, name := range Types() {
		g, err := New("studio", Spec{Type: name, Exec: ExecOptions{Command: []string{"true"}}})
		if err != nil || g == nil {
			t.Errorf("%s: got %v, %v", name, g, err)
			continue
		}
		if err := g.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheRegistrySaysWhatItDoesNotKnow(t *testing.T) {
	g, err := New("studio", Spec{Type: "exce\x1b"})
	if g != nil || err == nil || err.Error() != `generator "studio": unknown type "exce\x1b", known are canvas, exec` {
		t.Errorf("got %v, %v", g, err)
	}
	if g, err = New("studio", Spec{Type: "exec"}); g != nil || err == nil || !strings.Contains(err.Error(), "command is empty") {
		t.Errorf("got %v, %v", g, err)
	}
}
