package term

import (
	"encoding/json"
	"io"
	"strings"
)

// PrintJSON prints v as indented JSON. Characters that could control a terminal are
// escaped.
func PrintJSON(w io.Writer, v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, sanitizeJSON(b.String()))
	return err
}
