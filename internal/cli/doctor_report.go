package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

// add adds the result of a check, and shows it.
func (d *doctor) add(c check) {
	if d.stopped() {
		return
	}
	d.checks = append(d.checks, c)
	if d.live {
		d.show(c)
	}
}

// show prints a check at once, because the next one may take a while.
func (d *doctor) show(c check) {
	g := d.Page()
	word := map[string]term.Cell{
		checkOK:   term.Styled(term.Green, "ok  "),
		checkWarn: term.Styled(term.Yellow, "warn"),
		checkFail: term.Styled(term.Red, "FAIL"),
	}[c.State]
	g.Wrap("      ", term.Sanitize(c.Name)+": "+term.Line(c.Text, 500), word, term.Plain("  "))
	if c.Hint != "" {
		g.Hint("      ", term.Line(c.Hint, 500))
	}
	d.shown = errors.Join(d.shown, g.Print(d.Stdout))
}

// progress shows that something has begun that may take a while.
func (d *doctor) progress(text string) {
	if d.live && !d.stopped() {
		g := d.Page()
		g.Linef("      %s", g.Paint(term.Dim, text))
		d.shown = errors.Join(d.shown, g.Print(d.Stdout))
	}
}

func (d *doctor) ok(name, format string, args ...any) {
	d.add(check{Name: name, State: checkOK, Text: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(name, hint, format string, args ...any) {
	d.add(check{Name: name, State: checkWarn, Hint: hint, Text: fmt.Sprintf(format, args...)})
}

func (d *doctor) fail(name, hint, format string, args ...any) {
	d.add(check{Name: name, State: checkFail, Hint: hint, Text: fmt.Sprintf(format, args...)})
}

// failErr adds a failed check for each line of the error, the first one with the
// error's hint.
func (d *doctor) failErr(name string, err error) {
	why := Explain("doctor", err)
	hint := why.Hint
	for line := range strings.Lines(why.Text) {
		d.fail(name, hint, "%s", strings.TrimSpace(line))
		hint = ""
	}
}

// report prints the checks as JSON, unless they have been shown one by one.
func (d *doctor) report() error {
	if d.live {
		return d.shown
	}
	failed := slices.ContainsFunc(d.checks, func(c check) bool { return c.State == checkFail })
	return term.PrintJSON(d.Stdout, struct {
		OK     bool    `json:"ok"`
		Checks []check `json:"checks"`
	}{!failed, d.checks})
}

// verdict returns the error to exit with.
func (d *doctor) verdict() error {
	failed := 0
	for _, c := range d.checks {
		if c.State == checkFail {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	if d.unread {
		return &HintError{
			Err: errors.New("the configuration cannot be used, so nothing else was checked"), Code: ExitUsage,
			Hint: "correct what is shown, then run " + order.Command("doctor") + " again",
		}
	}
	bad := &HintError{Err: fmt.Errorf("%d of %d checks failed", failed, len(d.checks)), Code: ExitFailure}
	if d.credentials {
		bad.Code = ExitCredentials
	}
	return bad
}
