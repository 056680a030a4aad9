package cli

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// The states of a checkView, and the exit code of each.
const (
	stateWell       = "well"
	stateNeedsOwner = "needs_owner"
	stateDown       = "down"
)

var checkCodes = map[string]int{stateWell: ExitOK, stateNeedsOwner: 1, stateDown: 2}

// ExitCode ends a command with a code and no further output.
type ExitCode int

func (ExitCode) Error() string { return "the exit code says it" }

// checkView is whether all is well, and why not.
type checkView struct {
	State   string       `json:"state"` // well, needs_owner or down
	Reasons []reasonView `json:"reasons"`
	// Running is false while neither a daemon nor a recent heartbeat works.
	Running bool `json:"running"`
	// LastPoll is when the marketplace last answered a poll, if that is known.
	LastPoll time.Time `json:"last_poll,omitzero"`
}

type reasonView struct {
	Code order.Code `json:"code"`
	ID   string     `json:"id,omitempty"`
	Text string     `json:"text"`
	Hint string     `json:"hint"`
}

// The codes of reasons that no alert has.
const (
	reasonNotRunning    = "not_running"
	reasonConfiguration = "configuration"
	reasonDatabase      = "database"
)

func (c StatusCmd) check(p *Program) error {
	cfg, err := p.load()
	if err != nil && !c.JSON {
		return err // a wrong configuration exits with 2 as well
	}
	var v checkView
	if err != nil {
		v = unreadable(reasonConfiguration, err)
	} else if v, err = c.readCheck(context.Background(), cfg, time.Now()); err != nil {
		v = unreadable(reasonDatabase, err)
	}
	if v.State != stateWell || !c.Quiet {
		err = c.print(p, v, v.show)
	} else {
		err = nil
	}
	if code := checkCodes[v.State]; code != ExitOK {
		return errors.Join(err, ExitCode(code))
	}
	return err
}

// unreadable is the state without what it is read from.
func unreadable(code order.Code, err error) checkView {
	e := Explain("status", err)
	return checkView{State: stateDown, Reasons: []reasonView{{Code: code, Text: e.Text, Hint: e.Hint}}}
}

func (c StatusCmd) readCheck(ctx context.Context, cfg *config.Config, now time.Time) (checkView, error) {
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return checkView{}, err
	}
	defer st.Close()
	s, err := reader(cfg, st).Status(ctx)
	if err != nil {
		return checkView{}, err
	}
	polled := s.Polls.Answered
	v := checkView{State: stateWell, Reasons: []reasonView{}, LastPoll: polled, Running: s.Daemon.Running || c.MaxAge > 0 && now.Sub(polled) <= c.MaxAge}
	if !v.Running {
		v.add(stateDown, reasonView{Code: reasonNotRunning, Text: "atelierd is not running", Hint: order.Command("run") + " starts it"})
	}
	within := max(cfg.PollWithin(), c.MaxAge)
	since, text := polled, "the last poll that the marketplace answered was "+words.Relative(now, polled)
	if polled.IsZero() {
		since, text = s.Daemon.Since, "the marketplace has answered no poll"
	}
	if !since.IsZero() && now.Sub(since) > within && v.Running {
		v.add(stateDown, reasonView{
			Code: order.AlertUnreachable.Code(), Text: text,
			Hint: order.Command("doctor") + " shows why",
		})
	}
	for _, a := range s.Attention {
		cond := order.Condition{What: a.What, ID: a.ID, Code: a.Code, State: a.State, Reason: a.Reason}
		if a.Code == order.AlertUnreachable.Code() {
			continue // it is judged above, as of now
		}
		state := stateNeedsOwner
		if cond.Stops() {
			state = stateDown
		}
		v.add(state, reasonView{Code: a.Code, ID: a.ID, Text: cond.Line(), Hint: a.Hint})
	}
	return v, nil
}

// add adds a reason. The worst state stands.
func (v *checkView) add(state string, r reasonView) {
	if checkCodes[state] > checkCodes[v.State] {
		v.State = state
	}
	v.Reasons = append(v.Reasons, r)
}

func (v checkView) show(g *term.Page) {
	switch v.State {
	case stateWell:
		g.Linef("%s", g.Paint(term.Green, "all is well"))
	case stateNeedsOwner:
		g.Linef("%s", g.Paint(term.Yellow, "something needs you"))
	default:
		g.Linef("%s", g.Paint(term.Red, "the agent earns nothing"))
	}
	for _, r := range v.Reasons {
		g.Note("  ", term.Line(r.Text, 300))
		g.Hint("    ", term.Line(r.Hint, 300))
	}
}
