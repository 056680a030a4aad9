package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"atelierd/internal/order"
)

// format writes amounts, times and foreign texts, the same way on every page. Times are in
// the owner's zone.
type format struct {
	zone func() *time.Location
	now  func() time.Time
}

// funcs are what templates may call.
func (f format) funcs() template.FuncMap {
	return template.FuncMap{
		"money": money, "bytes": bytesText, "span": spanText, "ticks": ticksText, "plural": plural,
		"foreign": foreign, "firstline": firstLine, "cut": cut, "tail": shortID, "orderurl": orderURL,
		"ago": f.ago, "lately": f.lately, "until": f.until, "since": f.since, "due": f.due, "clock": f.clock, "day": f.day, "when": f.when, "elapsed": f.elapsed, "countdown": f.countdown,
		"state": func(kind, text string) state { return state{kind, text} },
		"note":  func(kind, strong, text string) note { return note{Kind: kind, Strong: strong, Text: text} },
		"empty": func(title, text string) empty { return empty{Title: title, Text: text} },
		"row":   func(n need, token string) needRow { return needRow{n, token} },
		"sign":  func(f frame, fingerprint string) sign { return sign{f.Token, fingerprint} },
	}
}

// money is an amount with two decimals, of an order.USD, a pointer to one, or the text that
// views have. Without an amount it is a dash.
func money(v any) (string, error) {
	var amount order.USD
	switch v := v.(type) {
	case order.USD:
		amount = v
	case *order.USD:
		if v == nil {
			return "–", nil
		}
		amount = *v
	case string:
		if v == "" {
			return "–", nil
		}
		digits, negative := strings.CutPrefix(v, "-")
		u, err := order.ParseUSD(digits)
		if err != nil {
			return "$" + v, nil // more than a billion
		}
		if amount = u; negative {
			amount = -u
		}
	default:
		return "", fmt.Errorf("%T is no amount", v)
	}
	sign := ""
	if amount < 0 {
		sign, amount = "−", -amount
	}
	const cent = order.Dollar / 100
	cents := (amount + cent/2) / cent
	return fmt.Sprintf("%s$%s.%02d", sign, thousands(int64(cents/100)), int64(cents%100)), nil
}

// thousands writes a number with a comma before each three digits.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// bytesText is a size such as "2.1 MB".
func bytesText(v any) (string, error) {
	var n float64
	switch v := v.(type) {
	case int64:
		n = float64(v)
	case int:
		n = float64(v)
	case uint64:
		n = float64(v)
	default:
		return "", fmt.Errorf("%T is no size", v)
	}
	units := []string{"bytes", "KB", "MB", "GB", "TB"}
	at := 0
	for ; n >= 1000 && at < len(units)-1; at++ {
		n /= 1000
	}
	if at == 0 || n >= 10 {
		return fmt.Sprintf("%.0f %s", n, units[at]), nil
	}
	return fmt.Sprintf("%.1f %s", n, units[at]), nil
}

// spanText is a duration in at most two units, such as "3 h 12 m" or "9 days".
func spanText(d time.Duration) string {
	d = max(d, 0)
	switch m, h := int(d/time.Minute), int(d/time.Hour); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case h < 1:
		return fmt.Sprintf("%d min", m)
	case h < 10 && m%60 != 0:
		return fmt.Sprintf("%d h %d m", h, m%60)
	case h < 48:
		return fmt.Sprintf("%d h", h)
	default:
		return fmt.Sprintf("%d days", h/24)
	}
}

// ticksText is a duration as a clock shows it, such as "0:48" or "1:02:30".
func ticksText(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// plural is a number with the word for one or for several.
func plural(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(int64(n)) + " " + several
}

// stamped is a text about a moment, with the moment in UTC for machines and in full for
// whoever points at it. tick is "" or the way in which the script counts it.
func (f format) stamped(t time.Time, text, tick string) template.HTML {
	t = t.In(f.zone())
	if tick != "" {
		tick = ` data-tick="` + tick + `"`
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s"%s>%s</time>`, // no part of it is foreign
		t.UTC().Format("2006-01-02T15:04:05Z"), t.Format("Mon 2 Jan 2006 15:04:05 MST"), tick, text))
}

// ago is how long ago a moment was: "41 min ago".
func (f format) ago(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	d := f.now().Sub(t)
	if d < time.Second {
		return f.stamped(t, "now", "")
	}
	return f.stamped(t, spanText(d)+" ago", "")
}

// lately is how long ago something was that happens all the time: "just now", "4 min ago".
func (f format) lately(t time.Time) template.HTML {
	if f.now().Sub(t) < time.Minute {
		return f.stamped(t, "just now", "")
	}
	return f.ago(t)
}

// until is how long it is to a moment, "3 h 12 m", or how long ago that was.
func (f format) until(t time.Time) template.HTML {
	if d := t.Sub(f.now()); d > 0 || t.IsZero() {
		return f.stampedUnlessZero(t, spanText(d))
	}
	return f.ago(t)
}

// since is how long something lasts since a moment: "41 min".
func (f format) since(t time.Time) template.HTML {
	return f.stampedUnlessZero(t, spanText(f.now().Sub(t)))
}

// due is a deadline: "due in 3 h 12 m", or "was due 5 min ago".
func (f format) due(t time.Time) template.HTML {
	d := t.Sub(f.now())
	if d < 0 {
		return "was due " + f.ago(t)
	}
	return "due in " + f.stamped(t, spanText(d), "")
}

// elapsed counts up from a moment: "0:48". countdown counts down to one.
func (f format) elapsed(t time.Time) template.HTML {
	return f.stampedTick(t, ticksText(f.now().Sub(t)), "up")
}

func (f format) countdown(t time.Time) template.HTML {
	return f.stampedTick(t, ticksText(t.Sub(f.now())), "down")
}

func (f format) stampedTick(t time.Time, text, tick string) template.HTML {
	if t.IsZero() {
		return ""
	}
	return f.stamped(t, text, tick)
}

func (f format) stampedUnlessZero(t time.Time, text string) template.HTML {
	return f.stampedTick(t, text, "")
}

// clock is the time of a day: "16:31".
func (f format) clock(t time.Time) template.HTML {
	return f.stampedUnlessZero(t, t.In(f.zone()).Format("15:04"))
}

// day is a date without its time: "21 Nov", with the year unless it is this one.
func (f format) day(t time.Time) template.HTML { return f.stampedUnlessZero(t, f.date(t)) }

func (f format) date(t time.Time) string {
	t = t.In(f.zone())
	if t.Year() == f.now().In(f.zone()).Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// when is a moment of the past as one says it: "16:31", "yesterday 11:15", "21 Nov 11:15".
func (f format) when(t time.Time) template.HTML {
	local, now := t.In(f.zone()), f.now().In(f.zone())
	text := local.Format("15:04")
	switch local.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		text = "yesterday " + text
	default:
		text = f.date(t) + " " + text
	}
	return f.stampedUnlessZero(t, text)
}

// clockNow is the time of the page with its zone, such as "16:40 in Berlin".
func (f format) clockNow() string {
	now, zone := f.now().In(f.zone()), f.zoneName()
	if strings.Contains(f.zone().String(), "/") {
		return now.Format("15:04") + " in " + zone
	}
	return now.Format("15:04 ") + zone
}

// zoneName is the owner's time zone: its city, or its letters.
func (f format) zoneName() string {
	name := f.zone().String()
	if at := strings.LastIndex(name, "/"); at >= 0 {
		return strings.ReplaceAll(name[at+1:], "_", " ")
	}
	return f.now().In(f.zone()).Format("MST")
}

// The characters that change what stands next to them, and are none themselves.
const unseenMarks = "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"

// visible drops what an owner would send on without seeing it.
func visible(r rune) rune {
	if r != '\n' && r != '\t' && unicode.IsControl(r) || strings.ContainsRune(unseenMarks, r) {
		return -1
	}
	return r
}

// foreign escapes the text of somebody else. Controls and direction marks show as small
// boxes. Put it into an element with dir="auto".
func foreign(text string) template.HTML {
	var b strings.Builder
	plain := 0
	box := func(at, size int, name string) {
		b.WriteString(template.HTMLEscapeString(text[plain:at]))
		b.WriteString(`<span class="ctl">` + name + `</span>`)
		plain = at + size
	}
	for at, r := range text {
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(text[at:]); size == 1 {
				box(at, 1, fmt.Sprintf("x%02X", text[at]))
			}
		case r == '\x1b':
			box(at, 1, "ESC")
		case r == '\n' || r == '\t':
		case r == '\r':
			b.WriteString(template.HTMLEscapeString(text[plain:at]))
			plain = at + 1
		case unicode.IsControl(r) || strings.ContainsRune(unseenMarks, r) || r >= 0xe0000 && r <= 0xe007f && !tagged(text[:at]):
			box(at, utf8.RuneLen(r), fmt.Sprintf("U+%04X", r))
		}
	}
	b.WriteString(template.HTMLEscapeString(text[plain:]))
	return template.HTML(b.String()) // all but the boxes is escaped
}

// tagged reports whether a text ends with the black flag of an emoji such as that of
// Scotland, and tags. Elsewhere tags hide text.
func tagged(text string) bool {
	text = strings.TrimRightFunc(text, func(r rune) bool { return r >= 0xe0000 && r <= 0xe007f })
	return strings.HasSuffix(text, "\U0001f3f4")
}

// firstLine is the first line of a text that is not blank, in at most 200 characters.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return cut(200, line)
		}
	}
	return ""
}

// cut shortens a text to at most n characters.
func cut(n int, text string) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
