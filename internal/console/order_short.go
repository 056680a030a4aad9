package console

import (
	"fmt"
	"net/url"
	"slices"
)

// The most of the record of an order that its page has, until all of it is asked for.
const (
	mostMessages     = 30
	mostMessageBytes = 16 << 10
	mostAttempts     = 12
	mostMoments      = 30
	mostEarlier      = 24 // files of earlier takes
)

// more leads to the whole record of an order; the zero value shows nothing.
type more struct{ Href, Text string }

// shorten leaves the older parts of a long record out, and says so.
func (p *orderPage) shorten(q url.Values) {
	if q.Get("record") == "all" {
		return
	}
	p.Thread.shorten(p.ID)
	shown, files := p.Pictures.Earlier, 0
	for i, e := range shown {
		if files += len(e.Files); i > 0 && files > mostEarlier {
			shown = shown[:i]
			break
		}
	}
	p.Pictures.More = moreOf(p.ID, "earlier", len(p.Pictures.Earlier)-len(shown), "older take", "older takes")
	p.Pictures.Earlier = shown
	rest := max(len(p.Attempts.Rows)-mostAttempts, 0) + max(len(p.Attempts.Minor)-mostMoments, 0)
	p.Attempts.Rows = newest(p.Attempts.Rows, mostAttempts)
	p.Attempts.Minor = newest(p.Attempts.Minor, mostMoments)
	p.Attempts.More = moreOf(p.ID, "attempts", rest, "older attempt", "older attempts")
	rest = max(len(p.Timeline.Minor)-mostMoments, 0)
	p.Timeline.Minor = newest(p.Timeline.Minor, mostMoments)
	left := mostMoments
	for i, d := range p.Timeline.Days {
		rest += max(len(d.Moments)-left, 0)
		p.Timeline.Days[i].Moments = newest(d.Moments, left)
		left -= len(p.Timeline.Days[i].Moments)
	}
	p.Timeline.Days = slices.DeleteFunc(p.Timeline.Days, func(d timelineDay) bool { return len(d.Moments) == 0 })
	p.Timeline.More = moreOf(p.ID, "timeline", rest, "older event", "older events")
}

// shorten leaves the older messages of a thread out.
func (t *thread) shorten(id string) {
	lines, size, rest := 0, 0, 0
	for i, d := range slices.Backward(t.Days) {
		from := len(d.Lines)
		for ; from > 0; from-- {
			size += len(d.Lines[from-1].Text)
			if lines == mostMessages || lines > 0 && size > mostMessageBytes {
				break
			}
			lines++
		}
		rest += from
		t.Days[i].Lines = d.Lines[from:]
	}
	t.Days = slices.DeleteFunc(t.Days, func(d threadDay) bool { return len(d.Lines) == 0 })
	t.More = moreOf(id, "thread", rest, "older message", "older messages")
}

func moreOf(id, place string, n int, one, many string) more {
	if n == 0 {
		return more{}
	}
	return more{fmt.Sprintf("%s?record=all#%s", orderURL(id), place), plural(n, one, many)}
}

// newest are the first of a list that begins with the newest.
func newest[T any](list []T, most int) []T { return list[:min(len(list), most)] }
