package console

import (
	"fmt"
	"math"
	"time"

	"atelierd/internal/order"
)

// This file has the values of the blocks in parts.html.

// state is a state as a word with a shape. Kind is need, bad, good, work, wait, sent, off
// or plain.
type state struct{ Kind, Text string }

// note is a bar with a sentence. Kind is need, bad, good or "". Link and LinkText are a way
// out, or empty.
type note struct{ Kind, Strong, Text, Link, LinkText string }

// empty says what will be in a place, and what to do next.
type empty struct{ Title, Text, Link, LinkText string }

// sign are the hidden fields of a form: whose session it is, and what it decides on.
type sign struct{ Token, Fingerprint string }

// paging is the foot of a list. Older is the address of the next page, or empty.
type paging struct{ Shown, Older string }

// figure is a number with what it counts.
type figure struct{ Label, Value string }

// needs are rows of what waits for the owner. The first ones are shown, and More names the
// rest. Beyond is how many are not even folded. Token is empty for those who may change
// nothing.
type needs struct {
	Rows, Rest []need
	More       string
	Beyond     int
	Token      string
}

// needRow is a need, and the token of the form that it may have.
type needRow struct {
	Need  need
	Token string
}

// need is a row of something that waits for the owner.
type need struct {
	Key string // tells it apart while the page is open
	// Icon is the id of a symbol where there is no picture.
	Icon    string
	Picture *picture
	Title   string
	// Words are those of a client if Foreign, or ours.
	Words   string
	Foreign bool
	// Due is the deadline, Since when it began; one of them is shown.
	Due, Since time.Time
	Facts      []string
	Hint       string // a command, where no page helps
	Link, Verb string
	// Form is where a harmless act is sent, instead of the link.
	Form string
	Main bool // the one filled button of the page
}

// picture is a small picture of an order, or of a file. Without Src it is a tile with Icon
// or Word.
type picture struct{ Src, Icon, Word string }

// bar is one day of a plot.
type bar struct {
	Label, Amount string
	X, Y, H       string
}

// plot is a row of bars with a time axis. It is as wide as its place, so its labels are not
// part of the picture.
type plot struct {
	Name, Class string // Class is earned or spent
	Sentence    string
	Bars        []bar
	Top, Middle string // labels of the axis
	// Cap is the height of the dashed line, or empty.
	Cap, CapText  string
	Width, Height int
	Dates         []string // along the axis
}

const plotHeight = 100

// newPlot draws amounts by day, the last one today. limit is drawn as a dashed line unless
// it is 0.
func newPlot(name, class string, days []time.Time, amounts []order.USD, limit order.USD) plot {
	p := plot{Name: name, Class: class, Width: 10 * len(amounts), Height: plotHeight}
	best, sum := 0, order.USD(0)
	top := limit
	for i, a := range amounts {
		sum, top = sum+a, max(top, a)
		if a > amounts[best] {
			best = i
		}
	}
	scale := niceTop(top)
	height := func(a order.USD) float64 { return float64(max(a, 0)) / float64(scale) * plotHeight }
	for i, a := range amounts {
		text, _ := money(a) // an amount is one
		h := height(a)
		if a > 0 {
			h = max(h, 1)
		}
		p.Bars = append(p.Bars, bar{
			Label: days[i].Format("2 Jan"), Amount: text, X: number(float64(i)*10 + 1.5), Y: number(plotHeight - h), H: number(h),
		})
	}
	total, _ := money(sum)
	p.Sentence = fmt.Sprintf("%s in %d days: %s", name, len(amounts), total)
	if sum > 0 {
		most, _ := money(amounts[best])
		p.Sentence += fmt.Sprintf("; the most in a day is %s, on %s", most, days[best].Format("2 Jan"))
	}
	p.Top, p.Middle = axis(scale), axis(scale/2)
	if limit > 0 {
		text, _ := money(limit)
		p.Cap, p.CapText = number(plotHeight-height(limit)), "cap of a day, "+text
	}
	for _, i := range []int{0, len(days) / 3, len(days) * 2 / 3} {
		if i < len(days) {
			p.Dates = append(p.Dates, days[i].Format("2 Jan"))
		}
	}
	return p
}

// niceTop is the end of an axis: 1, 1.4, 2, 3, 4, 6 or 10 times a power of ten.
func niceTop(top order.USD) order.USD {
	if top <= 0 {
		return order.Dollar
	}
	power := math.Pow(10, math.Floor(math.Log10(float64(top))))
	for _, step := range []float64{1, 1.4, 2, 3, 4, 6} {
		if end := step * power; float64(top) <= end {
			return order.USD(math.Round(end))
		}
	}
	return order.USD(math.Round(10 * power))
}

// axis is the label of an amount on an axis.
func axis(u order.USD) string {
	if u%order.Dollar == 0 {
		return "$" + thousands(int64(u/order.Dollar))
	}
	text, _ := money(u)
	return text
}

func number(f float64) string { return fmt.Sprintf("%.4g", f) }
