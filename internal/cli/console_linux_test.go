package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"atelierd/internal/term/termtest"
)

func TestAPasswordIsAskedForTwice(t *testing.T) {
	t.Parallel()
	const good = "correct horse battery"
	for _, c := range []struct {
		typed          []string
		want, complain string
	}{
		{[]string{good, good}, good, ""},
		{[]string{good, good + "!"}, "", "differ"},
		{[]string{"short"}, "", "write 12 or more"},
		{[]string{""}, "", ""},
	} {
		t.Run(strings.Join(c.typed, " then "), func(t *testing.T) {
			t.Parallel()
			x := termtest.Open(t, 80)
			p := &Program{Stdin: x.File, Stdout: x.File, Stderr: x.File}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				got, err := ConsoleUsersAddCmd{Name: "anna"}.password(p)
				if c.complain == "" && (err != nil || got != c.want) || c.complain != "" && (err == nil || !strings.Contains(fmt.Sprint(err), c.complain)) {
					t.Errorf("it returns %q, %v", got, err)
				}
			}()
			for i, text := range c.typed {
				x.Await([]string{"links only: ", "same again: "}[i], time.Minute)
				if _, err := io.WriteString(x.Keys, text+"\n"); err != nil {
					t.Error(err)
				}
			}
			<-ended
		})
	}
}
