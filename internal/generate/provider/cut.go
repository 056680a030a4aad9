package provider

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strings"
)

// This file takes large files in base64 out of JSON while it is read, so that they take
// no memory. What stays in the JSON is shorter base64: the first bytes of the file, by
// which it is recognised, and the mark of its part.

const (
	// leastCut is the length of the shortest text that is taken out.
	leastCut = 64 << 10
	// keptLetters is how much of the base64 stays.
	keptLetters = 4 << 10
	// markBytes is the length of a mark. Base64 of it needs no padding.
	markBytes = 18
)

// part is a large file of an answer: on the disk or, where that fails, in memory.
type part struct {
	path string
	f    *os.File // nil once it is in memory
	to   io.Writer
	held []byte
}

// newPart returns a part with a mark that no provider can guess.
func (s *spool) newPart() (p *part, mark string) {
	random := make([]byte, markBytes)
	_, _ = rand.Read(random) // it never fails
	p = &part{path: s.path(len(s.parts) + 1)}
	if f, err := s.create(p.path); err == nil {
		p.f, p.to = f, roomy{f, s.makeRoom}
	}
	if s.parts == nil {
		s.parts = map[string]*part{}
	}
	s.parts[string(random)] = p
	return p, base64.StdEncoding.EncodeToString(random)
}

// Write writes to the disk. If that fails, what was written goes back into memory,
// because an answer comes only once.
func (p *part) Write(b []byte) (int, error) {
	n := 0
	if p.f != nil {
		var err error
		if n, err = p.to.Write(b); err == nil {
			return n, nil
		}
		_ = p.f.Close() // what counts is what can be read
		p.f = nil
		if p.held, err = os.ReadFile(p.path); err != nil {
			return n, notStored(err)
		}
	}
	p.held = append(p.held, b[n:]...)
	return len(b), nil
}

// whole returns a blob whose bytes are only a mark with the part that they stand for.
func (s *spool) whole(b blob) blob {
	if n := len(b.data); n > markBytes {
		if p := s.parts[string(b.data[n-markBytes:])]; p != nil {
			b.data = p.held
			if p.held == nil {
				b.file = p.path
			}
		}
	}
	return b
}

// cutter writes JSON to memory, and the large files in it to the disk.
type cutter struct {
	spool *spool
	json  []byte
	in    place
	begin int    // where the text began in json
	esc   []byte // an escape in a text, as far as it is known
	// letters are base64 that is not decoded yet. ends: only padding may follow.
	letters []byte
	ends    bool
	plain   []byte // decoded letters, for reuse
	part    *part  // the file that is being read, or nil
}

// cut returns JSON without its large files, and its whole length.
func (s *spool) cut(r io.Reader) (body []byte, n int64, err error) {
	c := &cutter{spool: s}
	n, err = io.Copy(c, r)
	if closed := c.close(); err == nil {
		err = closed
	}
	return c.json, n, err
}

// place is where in the JSON a cutter is.
type place int

const (
	outside place = iota // of any text
	start                // of a text that may be a large file
	file                 // in base64
	text                 // of another kind
)

// Write implements io.Writer.
func (c *cutter) Write(p []byte) (int, error) {
	for i, b := range p {
		if err := c.next(b); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func (c *cutter) next(b byte) error {
	if c.in != file {
		c.json = append(c.json, b)
	}
	switch {
	case c.in == outside:
		if b == '"' {
			c.in, c.begin = start, len(c.json)
		}
	case len(c.esc) > 0:
		return c.escaped(b)
	case b == '\\':
		c.esc = append(c.esc, b)
	case b == '"':
		return c.closed()
	case c.in == file:
		return c.letter(b)
	case c.in == start && len(c.json)-c.begin >= leastCut:
		return c.cut()
	}
	return nil
}

// escaped takes the next byte of an escape.
func (c *cutter) escaped(b byte) error {
	c.esc = append(c.esc, b)
	if c.esc[1] == 'u' && len(c.esc) < len(`\u0000`) {
		return nil
	}
	escape := string(c.esc)
	if c.esc = c.esc[:0]; c.in != file {
		return nil
	}
	plain := unquoted(escape)
	if plain == "" {
		return c.odd()
	}
	for _, b := range []byte(plain) {
		if err := c.letter(b); err != nil {
			return err
		}
	}
	return nil
}

// unquoted decodes a part of a JSON string. It is "" if that is not valid.
func unquoted(raw string) (plain string) {
	_ = json.Unmarshal([]byte(`"`+raw+`"`), &plain)
	return plain
}

// cut begins a part if the text so far is base64.
func (c *cutter) cut() error {
	c.in = text
	raw := string(c.json[c.begin:])
	plain := strings.TrimSpace(unquoted(raw))
	coded, content, ok := dataAddress(plain)
	head := ""
	if content != plain { // as it is, with its escapes
		head = raw[:strings.IndexByte(raw, ',')+1]
	}
	c.letters, c.ends = append(c.letters[:0], plainBase64.Replace(content)...), false
	if !ok || !coded || len(c.letters) < keptLetters || !strings.HasSuffix(plain, content) || !allBase64(c.letters) {
		return nil
	}
	var mark string
	c.part, mark = c.spool.newPart()
	c.json = append(append(append(c.json[:c.begin], head...), c.letters[:keptLetters]...), mark...)
	c.in = file
	return c.decode(len(c.letters) / 4 * 4)
}

// allBase64 reports whether all letters are those of base64.
func allBase64(letters []byte) bool {
	return !bytes.ContainsFunc(letters, func(r rune) bool { return r > 0x7f || base64Value[r] == 0 })
}

// base64Value holds the letters of both alphabets as those of the usual one.
var base64Value = func() (value [256]byte) {
	for _, b := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		value[b] = b
	}
	value['-'], value['_'] = '+', '/'
	return value
}()

// letter takes the next letter of a file.
func (c *cutter) letter(b byte) error {
	switch {
	case b == ' ' || b == '\t' || b == '\r' || b == '\n':
		return nil
	case b == '=':
		c.ends = true
		return nil
	case c.ends || base64Value[b] == 0:
		return c.odd()
	}
	if c.letters = append(c.letters, base64Value[b]); len(c.letters) == cap(c.letters) {
		return c.decode(len(c.letters) / 4 * 4)
	}
	return nil
}

// odd ends a part whose text is not base64 after all. What stays in the JSON is not valid
// base64 either.
func (c *cutter) odd() error {
	c.json, c.in = append(c.json, '%'), text
	return c.close()
}

// decode writes the first n letters to the part.
func (c *cutter) decode(n int) error {
	var err error
	if c.plain, err = base64.RawStdEncoding.AppendDecode(c.plain[:0], c.letters[:n]); err != nil {
		return c.odd()
	}
	c.letters = append(c.letters[:0], c.letters[n:]...)
	_, err = c.part.Write(c.plain)
	return err
}

// closed ends a text.
func (c *cutter) closed() error {
	if c.in == file {
		if err := c.decode(len(c.letters)); err != nil {
			return err
		}
		c.json = append(c.json, '"')
	}
	c.in = outside
	return c.close()
}

// close ends a part.
func (c *cutter) close() error {
	p := c.part
	c.part = nil
	if p == nil || p.f == nil {
		return nil
	}
	if err := p.f.Close(); err != nil {
		return notStored(err)
	}
	return nil
}
