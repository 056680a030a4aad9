package atelier

import (
	"bytes"
	"errors"
	"io"
)

// scanner reads the JSON values of an answer one by one, in linear time and without
// keeping more of them than the caller asks for. It finds where a value ends and does
// not check what is inside: encoding/json does that with what is kept.
type scanner struct {
	r    io.Reader
	left int64 // how many bytes may still be read
	buf  []byte
	next []byte // what of buf is not consumed yet
}

func newScanner(r io.Reader, limit int64) *scanner {
	return &scanner{r: r, left: limit, buf: make([]byte, 64<<10)}
}

var errForm = errors.New("it is not of the form {\"success\":…,\"data\":[…]}")

// fill reads more if everything is consumed. The error is errTooLong beyond the limit.
func (s *scanner) fill() error {
	for len(s.next) == 0 {
		if s.left <= 0 {
			return errTooLong
		}
		n, err := s.r.Read(s.buf[:min(int64(len(s.buf)), s.left)])
		s.next, s.left = s.buf[:n], s.left-int64(n)
		if n == 0 && err != nil {
			return cutShort(err)
		}
	}
	return nil
}

// cutShort turns an early end of the text into io.ErrUnexpectedEOF.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// peek returns the next byte that is not blank, and does not consume it.
func (s *scanner) peek() (byte, error) {
	for {
		if err := s.fill(); err != nil {
			return 0, err
		}
		if s.next = bytes.TrimLeft(s.next, " \t\r\n"); len(s.next) > 0 {
			return s.next[0], nil
		}
	}
}

// expect consumes the next byte that is not blank, which must be c.
func (s *scanner) expect(c byte) error {
	got, err := s.peek()
	if err != nil {
		return err
	}
	if got != c {
		return errForm
	}
	s.next = s.next[1:]
	return nil
}

// more reports whether the object or list, which ends with end, has another element,
// and consumes what is before it. first is true before the first one.
func (s *scanner) more(end byte, first bool) (bool, error) {
	c, err := s.peek()
	switch {
	case err != nil:
		return false, err
	case c == end:
		s.next = s.next[1:]
		return false, nil
	case first:
		return true, nil
	}
	if err := s.expect(','); err != nil {
		return false, err
	}
	if c, err = s.peek(); err == nil && c == end {
		err = errForm
	}
	return err == nil, err
}

// end returns an error unless nothing but blanks follows.
func (s *scanner) end() error {
	_, err := s.peek()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	case err == nil:
		return errors.New("text follows its end")
	}
	return err
}

// value consumes a value and appends it to dst, with one blank for several. If it has
// more than most bytes, nothing is appended and whole is false.
func (s *scanner) value(dst []byte, most int) (out []byte, whole bool, err error) {
	start, m := len(dst), measure{}
	if _, err := s.peek(); err != nil {
		return dst, false, err
	}
	whole = true
	for !m.done {
		if err := s.fill(); err != nil {
			return dst[:start], false, err
		}
		n := 0
		for n < len(s.next) {
			c := s.next[n]
			keep := m.see(c)
			if m.done && !m.inclusive {
				break
			}
			n++
			if keep && whole {
				dst = append(dst, c)
			}
			if m.done {
				break
			}
		}
		s.next = s.next[n:]
		if len(dst)-start > most {
			dst, whole = dst[:start], false
		}
	}
	return dst, whole, nil
}

// measure finds the end of a value.
type measure struct {
	depth           int
	quoted, escaped bool
	begun, blank    bool
	// done: the value has ended. inclusive: with the byte just seen, and not before it.
	done, inclusive bool
}

// see takes the next byte and reports whether it is kept.
func (m *measure) see(c byte) (keep bool) {
	first := !m.begun
	m.begun = true
	if m.quoted {
		switch {
		case m.escaped:
			m.escaped = false
		case c == '\\':
			m.escaped = true
		case c == '"':
			m.quoted = false
			m.done, m.inclusive = m.depth == 0, true
		}
		return true
	}
	blank := c == ' ' || c == '\t' || c == '\r' || c == '\n'
	if blank && m.depth > 0 {
		keep, m.blank = !m.blank, true
		return keep
	}
	m.blank = false
	switch {
	case c == '"':
		m.quoted = m.depth > 0 || first
		m.done = !m.quoted
	case c == '{' || c == '[':
		m.depth++
		m.done = m.depth == 1 && !first
	case m.depth > 0 && (c == '}' || c == ']'):
		m.depth--
		m.done, m.inclusive = m.depth == 0, true
	case m.depth == 0 && (blank || c == ',' || c == '}' || c == ']' || c == ':'):
		m.done = true
	}
	return true
}

// essential are the fields that are kept of an order that is too large to work on, so
// that it can be held, shown and delivered.
var essential = map[string]bool{
	`"id"`: true, `"status"`: true, `"service_id"`: true, `"service_title"`: true, `"client_wallet"`: true, `"client_type"`: true, `"client_agent_id"`: true,
	`"quoted_price_usd"`: true, `"platform_fee_usd"`: true, `"created_at"`: true, `"delivered_at"`: true, `"review_deadline"`: true,
	`"completed_at"`: true, `"workspace_expires_at"`: true, `"max_revisions"`: true, `"revision_count"`: true, `"quota_total"`: true,
	`"payout_tx_hash"`: true, `"bounty_id"`: true, `"deliverable_url"`: true, `"deliverables"`: true, `"review"`: true, `"success"`: true,
}

const (
	// longestKey is the longest name of a field that is kept.
	longestKey = 1 << 10
	// essentialLimit is how long an essential field may be, and essentialRoom how much
	// room all of them have beyond the limit of the order.
	essentialLimit = 4 << 10
	essentialRoom  = 64 << 10
)

// object consumes a value and appends it to dst. Fields of an object that do not fit
// into most bytes are left out, but for the essential ones; whole is false then. inner,
// if not nil, is asked to consume the value of a field instead; it returns false for
// one that it leaves alone.
func (s *scanner) object(dst []byte, most int, inner func(key string, dst []byte) ([]byte, bool, error)) (out []byte, whole bool, err error) {
	if c, err := s.peek(); err != nil || c != '{' {
		if err != nil {
			return dst, false, err
		}
		return s.value(dst, most)
	}
	s.next = s.next[1:]
	start, key := len(dst), []byte(nil)
	dst, whole = append(dst, '{'), true
	for first := true; ; first = false {
		if more, err := s.more('}', first); err != nil || !more {
			return append(dst, '}'), whole, err
		}
		named := false
		if key, named, err = s.value(key[:0], longestKey); err != nil {
			return dst, false, err
		}
		if err := s.expect(':'); err != nil {
			return dst, false, err
		}
		mark := len(dst)
		if mark > start+1 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, key...), ':')
		if inner != nil && named {
			taken := false
			if dst, taken, err = inner(string(key), dst); err != nil {
				return dst, false, err
			}
			if taken {
				continue
			}
		}
		room := most - (len(dst) - start)
		if essential[string(key)] && room > -essentialRoom {
			room = max(room, essentialLimit)
		}
		kept := false
		if dst, kept, err = s.value(dst, room); err != nil {
			return dst, false, err
		}
		if !kept || !named {
			dst, whole = dst[:mark], false
		}
	}
}
