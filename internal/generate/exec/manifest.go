package exec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"atelierd/internal/fetch"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"
)

// manifest is what a program may print to stdout. Files is nil when it names no
// files. Then the files in OUTPUT_DIR count.
type manifest struct {
	Files     []string
	URL       string
	MediaType string
	Cost      order.USD
	Message   string
}

// isManifest reports whether stdout is meant as a manifest, which begins with a
// brace. Anything else is text for the log.
func isManifest(stdout []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(stdout, " \t\r\n"), []byte("{"))
}

// parseManifest reads the manifest on stdout, which is empty if there is none. On
// an error it still returns the cost and the message if they could be read,
// because spent money stays spent.
//
// Message and error hold no secret. Each decoded text is redacted before it is
// cut. The raw JSON is not redacted, since a secret could be escaped in many ways
// there, and an amount could look like one.
func parseManifest(stdout []byte, redact *secret.Redactor) (manifest, error) {
	if !isManifest(stdout) {
		return manifest{}, nil
	}
	var wire struct {
		Files     []string        `json:"files"`
		URL       string          `json:"url"`
		MediaType string          `json:"media_type"`
		Cost      json.RawMessage `json:"cost_usd"`
		Message   string          `json:"message"`
	}
	dec := json.NewDecoder(bytes.NewReader(stdout))
	dec.DisallowUnknownFields()
	jsonErr := dec.Decode(&wire)
	if jsonErr == nil {
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			jsonErr = errors.New("text follows the closing brace")
		}
	} else {
		// An unknown field or a wrong type: read the rest without being strict.
		_ = json.Unmarshal(stdout, &wire)
	}
	m := manifest{Files: wire.Files, URL: wire.URL, MediaType: wire.MediaType, Message: term.Cut(term.Text(redact.Clean(wire.Message)), maxMessage)}
	cost, costErr := parseCost(wire.Cost, redact)
	m.Cost = cost

	switch {
	case jsonErr != nil:
		return m, fmt.Errorf("the manifest on stdout is not valid: %s", term.Line(redact.Clean(jsonErr.Error()), 200))
	case costErr != nil:
		return m, fmt.Errorf("the manifest's cost_usd %w", costErr)
	case len(m.Files) > generate.MaxFiles:
		return m, fmt.Errorf("the manifest names %d files, at most %d are accepted", len(m.Files), generate.MaxFiles)
	case redact.Finds(m.URL) || redact.Finds(unescaped(m.URL)):
		return m, holdsSecret("the manifest's url")
	case m.URL != "" && !publicURL(m.URL):
		return m, fmt.Errorf("the manifest's url %.100q is not an http or https link", m.URL)
	case m.URL != "" && publicHost(m.URL) != nil:
		return m, fmt.Errorf("the manifest's url %.100q %w, so no client can open it", m.URL, publicHost(m.URL))
	case !slices.Contains([]string{"", "image", "video", "link", "document", "code", "text"}, m.MediaType):
		return m, fmt.Errorf("the manifest's media_type %.40q is not known", redact.Clean(m.MediaType))
	}
	return m, nil
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

// publicHost returns why nobody outside can open a link, or nil. The marketplace
// fetches what is delivered, so such a link would make it ask its own network.
func publicHost(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	return fetch.PublicHost(u.Hostname())
}

var percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unescaped returns a link as the program may have built it. Unlike net/url it
// continues after a bad escape, because a good one may follow.
func unescaped(link string) string {
	return percent.ReplaceAllStringFunc(link, func(s string) string {
		b, _ := strconv.ParseUint(s[1:], 16, 8) // two hex digits are always a byte
		return string([]byte{byte(b)})
	})
}
