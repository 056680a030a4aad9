package exec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"

	"atelierd/internal/fetch"
	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// manifest is what a program may print to stdout. Files is nil when it names no
// files. Then the files in OUTPUT_DIR count.
type manifest struct {
	Files     []string
	URL       string
	MediaType string
	Cost      order.USD
	Message   string
	// Flaws are what could not be read. They hold no secret, and lose no file.
	Flaws []string
}

// The fields of a manifest. An object with one of describing is a manifest, wherever it
// stands on stdout. One with a message alone may be a line of a log.
var (
	describing = []string{"files", "url", "media_type", "cost_usd", "price_usd"}
	known      = append([]string{"message"}, describing...)
)

// splitManifest separates stdout into the manifest, which is empty if there is none, and
// text for the log. Lines may stand before and after the manifest. Of several objects
// the last counts, and one that says nothing but a message only if stdout begins with it.
func splitManifest(stdout []byte) (object, text []byte) {
	from, to := 0, 0
	for at := 0; at < len(stdout); {
		end := at + max(bytes.IndexByte(stdout[at:], '\n')+1, 0)
		if end == at {
			end = len(stdout)
		}
		n := objectLength(stdout[at:end], stdout[at:])
		if n == 0 {
			at = end
			continue
		}
		fields := lenient.Fields(stdout[at : at+n])
		first, alone := len(bytes.TrimSpace(stdout[:at])) == 0, len(bytes.TrimSpace(stdout[at+n:])) == 0
		if hasAny(fields, describing) || first && (alone || hasAny(fields, known)) {
			from, to = at, at+n
		}
		at = max(end, at+n)
	}
	return stdout[from:to], append(append([]byte{}, stdout[:from]...), stdout[to:]...)
}

// objectLength returns the length of the object that begins in the line, or 0 if none
// does. One that is not JSON, such as a line of a log in another notation, ends with its
// line. One that is cut extends to the end of stdout.
func objectLength(line, rest []byte) int {
	if !bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), " \t\r"), []byte("{")) {
		return 0
	}
	var fields map[string]any
	after, err := lenient.Prefix(line, &fields)
	if err == nil {
		return len(line) - len(after)
	}
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
		return len(line)
	}
	if after, err = lenient.Prefix(rest, &fields); err != nil {
		return len(rest)
	}
	return len(rest) - len(after)
}

func hasAny(fields map[string]json.RawMessage, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return fields[name] != nil })
}

// parseManifest reads a manifest, which is empty if there is none. What cannot be read
// becomes a flaw: the files that were paid for stay, and so does the cost, because spent
// money stays spent. The error is that of a link that must not be delivered.
//
// The manifest and the error hold no secret. Each decoded text is redacted before it is
// cut. The raw JSON is not redacted, since a secret could be escaped in many ways
// there, and an amount could look like one.
func parseManifest(object []byte, redact *secret.Redactor) (m manifest, err error) {
	if len(object) == 0 {
		return manifest{}, nil
	}
	flaw := func(format string, args ...any) { m.Flaws = append(m.Flaws, fmt.Sprintf(format, args...)) }
	var whole map[string]any
	if err := lenient.Unmarshal(object, &whole); err != nil {
		flaw("the manifest is not valid JSON: %s", term.Line(redact.Clean(err.Error()), 200))
	}
	fields := lenient.Fields(object)
	text := func(name string) string {
		var value string
		if raw := fields[name]; raw != nil && json.Unmarshal(raw, &value) != nil {
			flaw("the manifest's %s is not a text", name)
		}
		return value
	}
	for name := range fields {
		if !slices.Contains(known, name) {
			flaw("the manifest has a field that is not known") // its name could hold a secret
			break
		}
	}
	m.Message = words.Cut(term.Text(redact.Clean(text("message"))), maxMessage)
	if m.Cost, err = parseCost(fields["cost_usd"], redact); err != nil {
		flaw("the manifest's cost_usd %v, so the configured price is charged", err)
	}
	var readable bool
	if m.Files, readable = namedFiles(fields["files"]); !readable {
		flaw("the manifest's files are not a list of names")
	}
	if m.MediaType = text("media_type"); !slices.Contains([]string{"", "image", "video", "link", "document", "code", "text"}, m.MediaType) {
		flaw("the manifest's media_type %.40q is not known", redact.Clean(m.MediaType))
		m.MediaType = ""
	}
	m.URL = text("url")
	if err := checkURL(m.URL, redact); err != nil {
		if _, held := errors.AsType[*order.Failure](err); held || len(m.Files) == 0 {
			return m, err
		}
		flaw("%v", err)
		m.URL = ""
	}
	if len(m.Files) > generate.MaxFiles {
		return m, fmt.Errorf("the manifest names %d files, at most %d are accepted", len(m.Files), generate.MaxFiles)
	}
	return m, nil
}

// namedFiles returns the files that a manifest names, or nil if it names none: a list of
// names or of objects with a path, or a single one. readable is false if an entry has no
// name.
func namedFiles(raw json.RawMessage) (names []string, readable bool) {
	var value any
	if raw == nil || json.Unmarshal(raw, &value) != nil || value == nil {
		return nil, true
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	names = []string{}
	for _, entry := range list {
		if object, ok := entry.(map[string]any); ok {
			entry = cmp.Or(object["path"], object["name"], object["file"])
		}
		name, ok := entry.(string)
		if !ok {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

// checkURL returns an error unless the link is empty or may be delivered.
func checkURL(link string, redact *secret.Redactor) error {
	switch {
	case link == "":
		return nil
	case redact.FindInLink(link) != "":
		return holdsSecret("the manifest's url")
	case !publicURL(link):
		return fmt.Errorf("the manifest's url %.100q is not an http or https link", link)
	}
	if err := publicHost(link); err != nil {
		return fmt.Errorf("the manifest's url %.100q %w, so no client can open it", link, err)
	}
	return nil
}

// holdsSecret returns the failure of output that would carry a secret into the
// database and to the client.
func holdsSecret(what string) error {
	return order.Failf(order.Hold, order.CodeBadOutput, "%s holds the value of a secret variable", what).
		WithHint("leave the value out, or rename the variable in env if it is no secret")
}

// parseCost reads an amount as text ("0.04") or as a number. A number may be any
// that a program prints for a sum of floats, and is rounded to a millionth. The
// error continues a sentence that begins with the name of the field.
func parseCost(raw json.RawMessage, redact *secret.Redactor) (order.USD, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		cost, err := order.ParseUSD(text)
		if err != nil {
			return 0, fmt.Errorf("%.40q is not an amount like \"5.00\"", redact.Clean(text))
		}
		return cost, nil
	}
	var number float64
	if json.Unmarshal(raw, &number) != nil {
		// The value is not shown: texts in it could hold an escaped secret.
		return 0, errors.New("is neither text nor a number")
	}
	if number < 0 || number >= 1e9 {
		return 0, fmt.Errorf("%.40q is not an amount", redact.Clean(string(raw)))
	}
	return order.USD(math.Round(number * float64(order.Dollar))), nil
}

func publicURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= 2048 && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// publicHost returns an error if nobody outside can open a link. The marketplace
// fetches what is delivered, so such a link would make it ask its own network.
func publicHost(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	return fetch.PublicHost(u.Hostname())
}
