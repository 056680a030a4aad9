package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// Every escaping changes this key.
const oddKey = `p"q\r/s<t>&u é+v=w:x@y z`

// named returns secrets of the form NAME=value.
func named(list ...string) (all []Named) {
	for _, each := range list {
		name, value, _ := strings.Cut(each, "=")
		all = append(all, Named{name, New(value)})
	}
	return all
}

func TestSecretsOfEveryShapeAreRemoved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env        []string
		text, want string
	}{
		"one that begins with another": {[]string{"A_KEY=abcdefgh", "B_KEY=abcdefgh-ijkl"}, "abcdefgh-ijkl abcdefgh-i", "[B_KEY] [A_KEY]-i"},
		"two that overlap":             {[]string{"A_KEY=xsk-very", "B_KEY=sk-verysecret"}, "(xsk-verysecret)", "([A_KEY])"},
		"one that overlaps itself":     {[]string{"A_KEY=aaaaaaaa"}, "(" + strings.Repeat("a", 1000) + ")", "([A_KEY])"},
		"many lines":                   {[]string{"A_KEY=-----BEGIN-----\nMIIEvQIBADANB\n"}, "-----BEGIN-----\nMIIEvQIBADANB\nMIIEvQIBADANB", "[A_KEY]\n[A_KEY]"},
		"with a carriage return":       {[]string{"A_KEY=abcdefgh\r"}, "abcdefgh\n", "[A_KEY]\n"},
		"not UTF-8":                    {[]string{"A_KEY=abcd\xff\xfeefgh"}, "abcd\xff\xfeefgh abcd\ufffd\ufffdefgh", "[A_KEY] [A_KEY]"},
		"short":                        {[]string{"A_KEY=word"}, "word", "word"},
	} {
		r := NewRedactor(named(tc.env...))
		if got := r.Clean(tc.text); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
		s, got := Stream{Redactor: r}, ""
		for i := range len(tc.text) {
			got += s.Next(tc.text[i : i+1])
			if len(s.rest) >= 40 {
				t.Fatalf("%s: %d bytes are held back", name, len(s.rest))
			}
		}
		// At its end a stream replaces the beginning of a secret too.
		want := strings.Replace(tc.want, "[A_KEY]-i", "[B_KEY]", 1)
		if got += s.End(); got != want {
			t.Errorf("%s, in pieces: got %q, want %q", name, got, want)
		}
	}
}

func TestAnEscapedSecretIsRemoved(t *testing.T) {
	t.Parallel()
	r := NewRedactor(named("ODD_PASSWORD=" + oddKey))
	for _, text := range []string{
		oddKey,
		`p\"q\\r/s<t>&u é+v=w:x@y z`,  // JSON
		`p\"q\\r\/s<t>&u é+v=w:x@y z`, // JSON with its slashes escaped
		`p\"q\\r/s\u003ct\u003e\u0026u é+v=w:x@y z`, // JSON for HTML
		`p\"q\\r/s<t>&u \u00e9+v=w:x@y z`,           // JSON in ASCII
		strconv.Quote(oddKey), url.QueryEscape(oddKey),
		url.PathEscape(oddKey), url.UserPassword("user", oddKey).String(),
	} {
		if got := r.Clean(text); strings.Trim(got, `"user:`) != "[ODD_PASSWORD]" {
			t.Errorf("%s: got %q", text, got)
		}
	}
}

// TestASecretIsFoundWhereverItLiesInAFile guards the edges of what is read at a time, and
// the encodings in which programs write a value.
func TestASecretIsFoundWhereverItLiesInAFile(t *testing.T) {
	t.Parallel()
	const key = "sk-veryhidden-0123456789-abcdef"
	r := NewRedactor(named("the key=" + key))
	size := 64<<10 + r.longest
	for _, at := range []int{0, 1, size - len(key), size - len(key) + 1, size - 10, size, 2*size - 5, 3 * size} {
		text := append(bytes.Repeat([]byte("x"), at), key...)
		for _, end := range []string{"", " and more"} {
			in := iotest.HalfReader(bytes.NewReader(append(text[:len(text):len(text)], end...)))
			if name, err := r.FindIn(in); name != "the key" || err != nil {
				t.Errorf("at %d: %q, %v", at, name, err)
			}
		}
		if name, err := r.FindIn(bytes.NewReader(text[:len(text)-1])); name != "" || err != nil {
			t.Errorf("a part of it at %d: %q, %v", at, name, err)
		}
	}
	for _, lead := range []string{"", "a", "ab", "abc"} {
		text := []byte(lead + "{key: " + key + "}\n")
		for _, coded := range []string{
			hex.EncodeToString(text), strings.ToUpper(hex.EncodeToString(text)), base64.StdEncoding.EncodeToString(text),
			base64.RawURLEncoding.EncodeToString(text),
		} {
			if !r.Finds(coded) {
				t.Errorf("not found in %s", coded)
			}
		}
	}
	broken := iotest.ErrReader(bytes.ErrTooLarge)
	if _, err := r.FindIn(broken); err != bytes.ErrTooLarge { //nolint:errorlint // it is passed on as it is
		t.Errorf("an unreadable file: %v", err)
	}
	if name, err := NewRedactor(nil).FindIn(strings.NewReader(key)); name != "" || err != nil {
		t.Errorf("without secrets: %q, %v", name, err)
	}
}
