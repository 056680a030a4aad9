package cli

import (
	"fmt"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// daysShort is how many days of room on the disk are few.
const daysShort = 14

// mostNear is how many orders that are due soon are shown as text.
const mostNear = 3

// labelled is a line of the first section.
type labelled struct {
	label string
	text  string
	style term.Style // of the label; a problem is red or yellow
}

// showDaemon shows how the daemon, the agent and the machine are.
func showDaemon(g *term.Page, v view.Status, now time.Time) {
	showProcess(g, v.Daemon, now)
	list := []labelled{{label: "marketplace", text: term.Sanitize(v.BaseURL)}, pollsLine(v.Polls, now, v.Daemon.Running), agentLine(v.Agent, now), listingsLine(v.Listings, now), generatorsLine(v.Generators, now)}
	if v.Disk.Free > 0 {
		list = append(list, diskLine(v.Disk))
	}
	if v.Backup.To != "" {
		list = append(list, backupLine(v.Backup, now))
	}
	if o := v.Oldest; o != nil {
		list = append(list, labelled{label: "oldest", text: fmt.Sprintf("order %s has waited for %s", term.Line(o.ID, 70), words.Span(now.Sub(o.Since)))})
	}
	if len(v.Near) > 0 {
		list = append(list, nearLine(v.Near, now))
	}
	list = append(list, labelled{label: "data", text: term.Sanitize(v.DataDir)})
	if v.Host != "" && (v.Leased || v.Epoch > 1) {
		list = append(list, hostLine(v))
	}
	if v.Webhooks.Listen != "" {
		last := "none has come yet"
		if !v.Webhooks.Last.IsZero() {
			last = "the last came " + words.Relative(now, v.Webhooks.Last)
		}
		list = append(list, labelled{label: "webhooks", text: term.Sanitize(v.Webhooks.Listen) + ", " + last})
	}
	const width = len("marketplace") + 2
	for _, l := range list {
		if l.style == term.None {
			l.style = term.Dim
		}
		indent := strings.Repeat(" ", 2+width)
		text := l.text
		if g.Width > 0 && !strings.Contains(text, " ") {
			text = term.Clip(text, max(g.Width-len(indent), 20))
		}
		g.Wrap(indent, text, term.Plain("  "), term.Styled(l.style, l.label), term.Plain(indent[2+len(l.label):]))
	}
}

// hostLine names the host that works, where there may be another one.
func hostLine(v view.Status) labelled {
	text := fmt.Sprintf("%s, epoch %d", term.Line(v.Host, 80), v.Epoch)
	if v.Leased {
		text += ", with a lease"
	}
	return labelled{label: "host", text: text}
}

func showProcess(g *term.Page, v view.Daemon, now time.Time) {
	switch {
	case !v.Running && v.Crashed:
		g.Wrap("  ", "; it ended without stopping, and "+order.Command("run")+" starts it", term.Styled(term.Red, "atelierd is not running"))
		if v.Why != "" {
			g.Note("  ", term.Line(v.Why, 300))
		}
		return
	case !v.Running:
		g.Wrap("  ", "; "+order.Command("run")+" starts it", term.Styled(term.Yellow, "atelierd is not running"))
		return
	}
	look, text := term.Green, fmt.Sprintf("(pid %d)", v.PID)
	if !v.Since.IsZero() {
		text += " for " + words.Span(now.Sub(v.Since))
	}
	if v.Version != "" {
		text += ", version " + term.Line(v.Version, 60)
	}
	switch {
	case len(v.Stuck) > 0:
		look, text = term.Red, text+"; stuck: "+strings.Join(v.Stuck, ", ")
	case v.Stopping:
		look, text = term.Yellow, text+"; it is stopping"
	case v.Silent:
		look, text = term.Yellow, text+"; it answers no commands"
	}
	g.Wrap("  ", text, term.Styled(look, "atelierd is running"), term.Plain(" "))
}

// pollsLine says when the marketplace was reached and when it is asked next.
func pollsLine(v view.Polls, now time.Time, running bool) labelled {
	l := labelled{label: "polls"}
	switch {
	case v.Answered.IsZero():
		l.text, l.style = "none was answered yet", term.Yellow
	case v.Reached || !running:
		l.text = "the last was answered " + words.Relative(now, v.Answered)
	default:
		l.text, l.style = "not reached; the last answer came "+words.Relative(now, v.Answered), term.Red
	}
	if v.Next.After(now) {
		l.text += ", next in " + precisely(v.Next.Sub(now))
	}
	if v.Limit > 0 {
		l.text += fmt.Sprintf(", %d of %d requests kept for deliveries", v.Kept, v.Limit)
	}
	if v.Error != "" && running {
		l.text += "; " + term.Line(v.Error, 200)
	}
	return l
}

// precisely formats a duration to the second: "3m10s".
func precisely(d time.Duration) string {
	if d >= time.Hour {
		return words.Span(d)
	}
	return d.Round(time.Second).String()
}

func agentLine(v view.AgentHealth, now time.Time) labelled {
	l := labelled{label: "agent"}
	if v.Visible == nil && v.Flagged == nil {
		l.text = "not read yet"
		return l
	}
	var parts []string
	switch {
	case v.Visible == nil:
	case *v.Visible:
		parts = append(parts, "visible")
	default:
		parts, l.style = append(parts, "hidden from clients"), term.Red
	}
	switch {
	case v.Flagged == nil:
	case *v.Flagged:
		parts, l.style = append(parts, "flagged"), term.Red
	default:
		parts = append(parts, "not flagged")
	}
	l.text = strings.Join(parts, ", ") + read(now, v.ReadAt)
	return l
}

// read says how old what was read is.
func read(now, at time.Time) string { return " (read " + words.Relative(now, at) + ")" }

func listingsLine(v view.Listings, now time.Time) labelled {
	l := labelled{label: "listings", text: fmt.Sprintf("%d as configured", v.Listed-v.Differ)}
	if v.Differ > 0 {
		l.text, l.style = l.text+fmt.Sprintf(", %d otherwise", v.Differ), term.Yellow
	}
	if v.Missing > 0 {
		l.text, l.style = l.text+fmt.Sprintf(", %d not listed", v.Missing), term.Yellow
	}
	if !v.ReadAt.IsZero() {
		l.text += read(now, v.ReadAt)
	}
	return l
}

func generatorsLine(list []view.GeneratorHealth, now time.Time) labelled {
	l := labelled{label: "generators"}
	var parts []string
	for _, each := range list {
		if each.PausedSince.IsZero() {
			parts = append(parts, term.Line(each.Name, 40)+" works")
			continue
		}
		l.style = term.Red
		parts = append(parts, term.Line(each.Name, 40)+" paused "+words.Relative(now, each.PausedSince))
	}
	l.text = strings.Join(parts, ", ")
	if parts == nil {
		l.text = "no service uses one"
	}
	return l
}

func diskLine(v view.Disk) labelled {
	l := labelled{label: "disk", text: words.Size(v.Free) + " free"}
	if v.Low {
		l.text, l.style = l.text+", which is too little", term.Red
	}
	switch {
	case v.PerDay == 0:
	case v.Days == nil:
		l.text += ", enough at " + words.Size(v.PerDay) + " a day"
	default:
		l.text += ", which lasts " + words.Count(*v.Days, "day") + " at " + words.Size(v.PerDay) + " a day"
		if *v.Days < daysShort && l.style == term.None {
			l.style = term.Yellow
		}
	}
	return l
}

func nearLine(list []view.Waiting, now time.Time) labelled {
	var parts []string
	for _, o := range list[:min(len(list), mostNear)] {
		parts = append(parts, "order "+term.Line(o.ID, 70)+" "+words.Deadline(now, o.DueAt))
	}
	if more := len(list) - mostNear; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return labelled{label: "due soon", text: strings.Join(parts, ", "), style: term.Yellow}
}
