package term

import (
	"strings"
	"unicode/utf8"
)

// filler breaks a text into lines of a width, between words. A word that is wider than
// a whole line is broken where it may be, such as behind a slash.
type filler struct {
	width  int    // 0 is no limit
	indent string // of each line but the first
	lines  []string

	line  strings.Builder
	used  int  // columns of line
	begun bool // whether line has a word of the text
}

// newFiller returns a filler whose first line begins with lead.
func newFiller(width int, indent string, lead string) *filler {
	if width > 0 && Columns(indent) > width/2 {
		indent = indent[:min(len(indent), 1)]
	}
	f := &filler{width: width, indent: indent, used: Columns(lead)}
	if width > 0 && f.used >= width {
		f.used = Columns(indent)
		lead = indent
	}
	f.line.WriteString(lead)
	return f
}

// text adds a text. What stands between backquotes is a command.
func (f *filler) text(text string) {
	for _, word := range wordsOf(text) {
		width := Columns(word)
		f.room(width)
		switch {
		case f.fits(width):
			f.put(word)
		case strings.ContainsRune(word, ' '):
			f.command(strings.Split(word, " "))
		default:
			f.long(word)
		}
	}
}

// room begins another line if a word of so many columns does not fit into this one, but
// would there, or if this one has a word already.
func (f *filler) room(columns int) {
	switch {
	case f.begun && !f.fits(1+columns), f.used > Columns(f.indent) && !f.fits(columns) && Columns(f.indent)+columns <= f.width:
		f.next("")
	}
}

// command adds the words of a command. If it is wider than a line, each line that is
// continued ends as one of a shell does.
func (f *filler) command(words []string) {
	const more = " \\"
	if f.fits(Columns(strings.Join(words, " "))) {
		f.put(strings.Join(words, " "))
		return
	}
	f.width -= len(more)
	for i, word := range words {
		if i > 0 && f.begun && !f.fits(1+Columns(word)) {
			f.next(more)
		}
		if f.fits(Columns(word)) {
			f.put(word)
		} else {
			f.long(word)
		}
	}
	f.width += len(more)
}

// long adds a word that is wider than a line.
func (f *filler) long(word string) {
	for word != "" && !f.fits(Columns(word)) {
		part := f.part(word)
		f.put(part)
		word = word[len(part):]
		f.next("")
	}
	if word != "" {
		f.put(word)
	}
}

// part returns the most of a word that fits into the line: up to its last slash or other
// sign at which it may be broken, or else up to the end of the line.
func (f *filler) part(word string) string {
	room := max(f.width-f.used, 1)
	end, slash, sign := 0, 0, 0
	for end < len(word) {
		r, size := utf8.DecodeRuneInString(word[end:])
		if Columns(word[:end+size]) > room {
			break
		}
		end += size
		switch {
		case r == '/':
			slash = end
		case strings.ContainsRune("-_.,:;=&?", r):
			sign = end
		}
	}
	switch {
	case slash > room/3:
		return word[:slash]
	case sign > room/2:
		return word[:sign]
	case end == 0: // a wide character on a terminal of one column
		_, end = utf8.DecodeRuneInString(word)
	}
	return word[:end]
}

// fits reports whether so many columns fit into the line.
func (f *filler) fits(columns int) bool { return f.width == 0 || f.used+columns <= f.width }

// put adds a word to the line.
func (f *filler) put(word string) {
	if f.begun {
		f.line.WriteString(" ")
		f.used++
	}
	f.line.WriteString(word)
	f.used, f.begun = f.used+Columns(word), true
}

// next ends the line and begins another.
func (f *filler) next(ending string) {
	f.lines = append(f.lines, strings.TrimRight(f.line.String(), " ")+ending)
	f.line.Reset()
	f.line.WriteString(f.indent)
	f.used, f.begun = Columns(f.indent), false
}

// end returns the lines.
func (f *filler) end() []string {
	return append(f.lines, strings.TrimRight(f.line.String(), " "))
}

// wordsOf splits a text at spaces, but not between a pair of backquotes.
func wordsOf(text string) (list []string) {
	begin, quoted := 0, false
	for i, r := range text {
		switch {
		case r == '`':
			quoted = !quoted && strings.Contains(text[i+1:], "`")
		case r == ' ' && !quoted:
			list = append(list, text[begin:i])
			begin = i + 1
		}
	}
	return append(list, text[begin:])
}
