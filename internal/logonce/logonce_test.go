package logonce_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"atelierd/internal/logonce"
)

// logger writes lines without a time.
func logger() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})), &b
}

func TestARepeatedFailureIsLoggedOnceAndItsEndWithTheCount(t *testing.T) {
	t.Parallel()
	log, out := logger()
	var tr logonce.Logger
	tr.Recovered(log, "works")
	for range 3 {
		tr.Failed(log, "failed", errors.New("reset"), "hint", "look")
	}
	tr.Failed(log, "failed", errors.New("refused"))
	tr.Failed(log, "failed", errors.New("reset"))
	tr.Recovered(log, "works")
	tr.Recovered(log, "works")
	tr.Failed(log, "failed", errors.New("reset"))
	want := strings.Join([]string{
		`level=ERROR msg=failed error=reset hint=look`,
		`level=ERROR msg=failed error=refused`,
		`level=ERROR msg=failed error=reset`,
		`level=INFO msg=works failures=5`,
		`level=ERROR msg=failed error=reset`, "",
	}, "\n")
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSeveralGoroutinesMayReport(t *testing.T) {
	t.Parallel()
	log, out := logger()
	var tr logonce.Logger
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				tr.Failed(log, "failed", errors.New("reset"))
			}
		})
	}
	wg.Wait()
	tr.Recovered(log, "works")
	if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "failures=800") {
		t.Errorf("got\n%s", got)
	}
}

func TestSeveralErrorsAreOneLine(t *testing.T) {
	t.Parallel()
	log, out := logger()
	var tr logonce.Logger
	tr.Failed(log, "failed", errors.Join(errors.New("one"), errors.New("two")))
	if got := out.String(); got != "level=ERROR msg=failed error=\"one; two\"\n" {
		t.Errorf("got %s", got)
	}
}
