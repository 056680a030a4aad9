// Package sheet writes CSV for spreadsheets, as RFC 4180 has it: the same bytes for a
// command and for a page. Foreign text in it is no formula.
//
// It must not know what its rows mean.
package sheet

import (
	"encoding/csv"
	"io"
	"strings"

	"atelierd/internal/store/viewsql"
	"atelierd/internal/term"
)

// NewWriter returns a writer of CSV. Text of others goes through Cell first.
func NewWriter(w io.Writer) *csv.Writer {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return out
}

// Cell makes text safe for a spreadsheet, which takes one that begins with certain
// characters for a formula and runs it.
func Cell(text string) string {
	text = term.Sanitize(text)
	if text != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(text)[0]) {
		return "'" + text
	}
	return text
}

// Query writes the result of a statement of the owner.
func Query(w io.Writer, r viewsql.Result) error {
	out := NewWriter(w)
	_ = out.Write(r.Names()) // Flush has the error
	for _, row := range r.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = viewsql.Text(v)
			if text, ok := v.(string); ok {
				cells[i] = Cell(text)
			}
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}
