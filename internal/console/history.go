package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/sheet"
	"atelierd/internal/store/viewsql"
)

// SQL runs a statement of a user on the views of the database. *viewsql.Runner implements it.
type SQL interface {
	Run(ctx context.Context, statement string) (viewsql.Result, error)
}

// maxShown is how many characters of a value the page shows, and maxPage about how many bytes of
// all rows with their markup. The CSV has more.
const (
	maxShown    = 300
	maxPage     = 60_000
	rowMarkup   = 10
	valueMarkup = 30
)

// historyPage is a statement, and its result if it was run.
type historyPage struct {
	Examples  []example
	Statement string
	// Refused is why the statement was not run, or was stopped.
	Refused string
	Result  *resultTable
	Limits  string
}

// resultTable is a result as text.
type resultTable struct {
	Columns []shownValue // Number is that of the first row
	Rows    [][]shownValue
	Count   int    // of rows, also of those that are not shown
	Rest    string // what it lacks
	Took    string
}

type shownValue struct {
	Text   string
	Number bool
}

// example is a statement to begin with.
type example struct {
	ID               int
	Title, Statement string
}

func (c *console) history(w http.ResponseWriter, v visit) {
	p := c.newHistory()
	if text := v.URL.Query().Get("example"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > len(examples) {
			c.notFound(w, v)
			return
		}
		p.Statement = examples[n-1].Statement
	}
	c.showHistory(w, v, p)
}

// ask runs the statement of the form. It changes nothing, so readers may do it.
func (c *console) ask(w http.ResponseWriter, v visit) {
	p := c.newHistory()
	p.Statement = v.PostForm.Get("sql")
	c.showHistory(w, v, p)
}

// showHistory runs the statement, if there is one, and shows its result.
func (c *console) showHistory(w http.ResponseWriter, v visit, p historyPage) {
	if strings.TrimSpace(p.Statement) != "" {
		began := time.Now()
		result, refused, err := c.runSQL(v.Context(), p.Statement)
		if err != nil {
			c.fail(w, v.Request, err)
			return
		}
		if p.Refused = refused; refused == "" {
			p.Result = tableOf(result, time.Since(began))
		}
	}
	c.render(w, v, "history", frame{Title: "History", Tab: "history", Body: p})
}

// askCSV sends the result of the statement of the form as a file.
func (c *console) askCSV(w http.ResponseWriter, v visit) {
	result, refused, err := c.runSQL(v.Context(), v.PostForm.Get("sql"))
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	if refused != "" {
		p := c.newHistory()
		p.Statement, p.Refused = v.PostForm.Get("sql"), refused
		c.render(w, v, "history", frame{Title: "History", Tab: "history", Body: p})
		return
	}
	var file bytes.Buffer
	if err := sheet.Query(&file, result); err != nil {
		c.fail(w, v.Request, err)
		return
	}
	sendCSV(w, "history.csv", file.Bytes())
}

// sendCSV sends a file for a spreadsheet. Its name is ours.
func sendCSV(w http.ResponseWriter, name string, file []byte) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(file) // whoever asked has left
}

// runSQL runs a statement unless another one runs. refused is a sentence about why it was
// not run.
func (c *console) runSQL(ctx context.Context, statement string) (result viewsql.Result, refused string, err error) {
	if !c.sql.TryLock() {
		return result, fmt.Sprintf("Another statement runs at the moment, for %s at most. Try it again then.", spanText(viewsql.MaxTime)), nil
	}
	defer c.sql.Unlock()
	result, err = c.SQL.Run(ctx, statement)
	if r, ok := errors.AsType[*viewsql.Refused](err); ok {
		return result, sentence(r.Reason), nil
	}
	return result, "", err
}

// sentence makes a sentence of an error.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (c *console) newHistory() historyPage {
	return historyPage{Examples: examples, Limits: fmt.Sprintf(
		"Reads the views whose names begin with v_, and changes nothing. It stops after %s; the first %s rows are shown.",
		spanText(viewsql.MaxTime), thousands(viewsql.MaxRows))}
}

// tableOf makes texts of a result.
func tableOf(r viewsql.Result, took time.Duration) *resultTable {
	t := &resultTable{Count: len(r.Rows), Took: fmt.Sprintf("%d ms", took.Milliseconds())}
	for _, name := range r.Names() {
		t.Columns = append(t.Columns, shownValue{Text: cut(maxShown, name)})
	}
	long, size := r.Cut, 0
	for n, row := range r.Rows {
		if size > maxPage {
			t.Rest = fmt.Sprintf("The first %s of %s rows are shown; the CSV has them all. ", thousands(int64(n)), plural(len(r.Rows), "row", "rows"))
			break
		}
		size += rowMarkup
		shown := make([]shownValue, len(row))
		for i, value := range row {
			text := viewsql.Text(value)
			short := cut(maxShown, text)
			long = long || short != text
			shown[i].Text = short
			size += len(short) + valueMarkup
			switch value.(type) {
			case int64, float64:
				shown[i].Number = true
			}
		}
		t.Rows = append(t.Rows, shown)
	}
	if len(t.Rows) > 0 {
		for i, value := range t.Rows[0] {
			t.Columns[i].Number = value.Number
		}
	}
	if r.More {
		t.Rest += fmt.Sprintf("There are more rows than %s. ", thousands(int64(len(r.Rows))))
	}
	if long {
		t.Rest += fmt.Sprintf("Texts are cut after %d characters here; the CSV has %s bytes of each.", maxShown, thousands(viewsql.MaxCell))
	}
	return t
}
