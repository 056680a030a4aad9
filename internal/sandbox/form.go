package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// form is the JSON object of a request. Its methods read one field each. They return
// the zero value for a missing or null field and record the first problem.
type form struct {
	fields  map[string]json.RawMessage
	problem string
}

const maxBody = 1 << 20

func readForm(_ *Server, in *input) *answer {
	text, err := io.ReadAll(http.MaxBytesReader(in.w, in.r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(text, &in.form.fields)
	}
	if err != nil || in.form.fields == nil {
		a := refuse(http.StatusBadRequest, "Invalid JSON body")
		return &a
	}
	return nil
}

func (f *form) complain(format string, args ...any) {
	if f.problem == "" {
		f.problem = fmt.Sprintf(format, args...)
	}
}

// sent reports whether the request has the field, even if it is null.
func (f *form) sent(name string) bool { _, there := f.fields[name]; return there }

// given reports whether the request has the field and it is not null.
func (f *form) given(name string) bool { return f.sent(name) && string(f.fields[name]) != "null" }

func (f *form) require(names ...string) {
	for _, name := range names {
		if !f.given(name) {
			f.complain("%s is required", name)
		}
	}
}

func (f *form) read(name, kind string, into any) bool {
	if !f.given(name) {
		return false
	}
	if err := json.Unmarshal(f.fields[name], into); err != nil {
		f.complain("%s must be %s", name, kind)
		return false
	}
	return true
}

// text reads a text of lo to hi characters. They are UTF-16 units, as in the
// marketplace's JavaScript.
func (f *form) text(name string, lo, hi int) string {
	var v string
	if f.read(name, "a string", &v) {
		if n := length(v); n < lo || n > hi || (lo > 0 && strings.TrimSpace(v) == "") {
			f.complain("%s must be %d-%d characters", name, lo, hi)
		}
	}
	return v
}

func length(s string) int { return len(utf16.Encode([]rune(s))) }

func (f *form) oneOf(name string, words []string) string {
	var v string
	if f.read(name, "a string", &v) && !slices.Contains(words, v) {
		f.complain("%s must be one of: %s", name, strings.Join(words, ", "))
	}
	return v
}

func (f *form) list(name string) []string {
	var v []string
	f.read(name, "an array of strings", &v)
	return v
}

func (f *form) whole(name string, lo int) int {
	var v int
	if f.read(name, "an integer", &v) && v < lo {
		f.complain("%s must be at least %d", name, lo)
	}
	return v
}

func (f *form) url(name string) string {
	var v string
	if f.read(name, "a string", &v) && !publicURL(v) {
		f.complain("%s must be a valid URL", name)
	}
	return v
}

func publicURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(text) <= 2048
}

func (f *form) wallet(name string) string {
	var v string
	if f.read(name, "a string", &v) && !solanaAddress(v) {
		f.complain("%s must be a valid Solana wallet address", name)
	}
	return v
}

var evmAddress = regexp.MustCompile(`^0x[0-9a-fA-F]{40}$`)

func (f *form) base(name string) string {
	var v string
	if f.read(name, "a string", &v) && !evmAddress.MatchString(v) {
		f.complain("%s must be a valid Base address", name)
	}
	return v
}

// solanaAddress reports whether text is 32 bytes in base58.
func solanaAddress(text string) bool {
	if len(text) < 32 || len(text) > 44 {
		return false
	}
	n, zeros := new(big.Int), 0
	for i, c := range []byte(text) {
		digit := strings.IndexByte("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", c)
		if digit < 0 {
			return false
		}
		if digit == 0 && i == zeros {
			zeros++ // a leading 1 is a leading zero byte
		}
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(digit)))
	}
	return zeros+len(n.Bytes()) == 32
}

var amount = regexp.MustCompile(`^[0-9]{1,7}(\.[0-9]{1,6})?$`)

// price reads a string with an amount of dollars.
func (f *form) price(name string, least int64) string {
	var v string
	if f.read(name, "a string", &v) {
		if micros, valid := parseUSD(v); !valid || micros < least {
			f.complain("%s must be an amount like \"5.00\"", name)
		}
	}
	return v
}

// parseUSD returns the millionths of a dollar in a decimal text.
func parseUSD(text string) (int64, bool) {
	if !amount.MatchString(text) {
		return 0, false
	}
	whole, frac, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 64)
	return n, err == nil
}

func formatUSD(micros int64) string {
	frac := strings.TrimRight(fmt.Sprintf("%06d", micros%1_000_000), "0")
	return fmt.Sprintf("%d.%s", micros/1_000_000, frac+strings.Repeat("0", max(0, 2-len(frac))))
}
