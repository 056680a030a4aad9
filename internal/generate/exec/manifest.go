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

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// manifest is what a program may say on stdout. Files is nil when it does not
// name files: then those in OUTPUT_DIR count.
type manifest struct {
	Files     []string
	URL       string
	MediaType string
	Cost      order.USD
	Message   string
}

// isManifest says whether stdout is meant as a manifest: its first character
// is a brace. Anything else is text for the log.
func isManifest(stdout []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(stdout, " \t\r\n"), []byte("{"))
}

// parseManifest reads stdout; what is no manifest gives an empty one. With an
// error, the manifest still holds the cost and the message if they were read,
// because money that was spent stays spent.
//
// No secret is left in the message and the error. They are taken out of the
// decoded texts, each before it is cut: in the raw JSON a secret could be
// escaped in many ways, and an amount could be taken for one.
func parseManifest(stdout []byte, redact *redactor) (manifest, error) {
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
			jsonErr = errors.New("something follows after the closing brace")
		}
	} else {
		// An unknown field or a wrong type: read the rest without being strict.
		_ = json.Unmarshal(stdout, &wire)
	}
	m := manifest{Files: wire.Files, URL: wire.URL, MediaType: wire.MediaType, Message: term.Cut(term.Text(redact.clean(wire.Message)), maxMessage)}
	cost, costErr := parseCost(wire.Cost, redact)
	m.Cost = cost

	switch {
	case jsonErr != nil:
		return m, fmt.Errorf("the manifest on stdout is not valid: %s", term.Line(redact.clean(jsonErr.Error()), 200))
	case costErr != nil:
		return m, fmt.Errorf("the manifest's cost_usd %w", costErr)
	case len(m.Files) > generate.MaxFiles:
		return m, fmt.Errorf("the manifest names %d files, at most %d are taken", len(m.Files), generate.MaxFiles)
	case redact.finds(m.URL) || redact.finds(unescaped(m.URL)):
		return m, holdsSecret("the manifest's url")
	case m.URL != "" && !publicURL(m.URL):
		return m, fmt.Errorf("the manifest's url %.100q is not an http or https link", m.URL)
	case !slices.Contains([]string{"", "image", "video", "link", "document", "code", "text"}, m.MediaType):
		return m, fmt.Errorf("the manifest's media_type %.40q is not known", redact.clean(m.MediaType))
	}
	return m, nil
}

// holdsSecret is the failure of output that would take a secret to the database
// and to the client.
func holdsSecret(what string) error {
	return order.Failf(order.Hold, order.CodeBadOutput, "%s holds the value of a secret variable", what).
		WithHint("leave the value out of it, or rename the variable in env if it is no secret")
}

// parseCost reads an amount as text ("0.04") or as a number. A number may be
// any that a program prints for a sum of floats; it is rounded to a millionth.
// Its error goes on from the name of the field.
func parseCost(raw json.RawMessage, redact *redactor) (order.USD, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		cost, err := order.ParseUSD(text)
		if err != nil {
			return 0, fmt.Errorf("%.40q is not an amount like \"5.00\"", redact.clean(text))
		}
		return cost, nil
	}
	var number float64
	if json.Unmarshal(raw, &number) != nil {
		// What it is instead is not shown: texts within could be escaped in any way.
		return 0, errors.New("is neither text nor a number that can be read")
	}
	if number < 0 || number >= 1e9 {
		return 0, fmt.Errorf("%.40q is not an amount", redact.clean(string(raw)))
	}
	return order.USD(math.Round(number * float64(order.Dollar))), nil
}

func publicURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= 2048 && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

var percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unescaped is a link as the program may have put it together. Unlike that of
// net/url it goes on after a bad escape, behind which there may be a good one.
func unescaped(link string) string {
	return percent.ReplaceAllStringFunc(link, func(s string) string {
		b, _ := strconv.ParseUint(s[1:], 16, 8) // two hex digits always are a byte
		return string([]byte{byte(b)})
	})
}
