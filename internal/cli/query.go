package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/sheet"
	"atelierd/internal/store"
	"atelierd/internal/store/viewsql"
	"atelierd/internal/term"
)

// QueryCmd runs a SELECT on the views of the database.
type QueryCmd struct {
	SQL  string `arg:"" optional:"" help:"The statement; without it, standard input is read." placeholder:"SQL"`
	CSV  bool   `help:"Print CSV." name:"csv" xor:"format"`
	JSON bool   `help:"Print JSON." name:"json" xor:"format"`
}

// Help explains the command.
func (QueryCmd) Help() string {
	return `It reads the views whose names begin with v_, such as v_orders; docs/history.md lists
them with examples. Nothing can be changed, and no other table be read. A statement is
stopped after 2 seconds. 1,000 rows are shown, and 100,000 bytes of a text.

  atelierd query 'SELECT * FROM v_orders'`
}

// Run runs the command.
func (c QueryCmd) Run(p *Program) error {
	statement := c.SQL
	if statement == "" {
		if term.IsTerminal(p.Stdin) {
			return &UsageError{errors.New("no statement: write it as an argument, in quotes")}
		}
		text, err := io.ReadAll(io.LimitReader(p.Stdin, viewsql.MaxStatement+1))
		if err != nil {
			return fmt.Errorf("read the statement: %w", err)
		}
		statement = string(text)
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, _ *store.Store) error {
		result, err := viewsql.New(cfg.DataDir).Run(ctx, statement)
		if refused, ok := errors.AsType[*viewsql.Refused](err); ok {
			return Hintf(refused, "%s explains what is allowed", order.Command("query --help"))
		}
		if err != nil {
			return err
		}
		return errors.Join(c.show(p, result), showLimits(p.Stderr, result))
	})
}

func (c QueryCmd) show(p *Program, r viewsql.Result) error {
	if c.CSV {
		return sheet.Query(p.Stdout, r)
	}
	return Output{JSON: c.JSON}.print(p, jsonRows(r), func(g *term.Page) {
		if len(r.Rows) == 0 {
			g.Linef("no rows")
			return
		}
		rows := [][]term.Cell{make([]term.Cell, len(r.Columns))}
		for i, name := range r.Names() {
			rows[0][i] = term.Styled(term.Bold, term.Line(name, 64))
		}
		for _, row := range r.Rows {
			cells := make([]term.Cell, len(row))
			for i, v := range row {
				cells[i] = term.Plain(term.Line(viewsql.Text(v), 200))
			}
			rows = append(rows, cells)
		}
		g.Table("", rows)
	})
}

// showLimits says what a result lacks. On stdout a program would take it for a row.
func showLimits(w io.Writer, r viewsql.Result) error {
	if r.More {
		if _, err := fmt.Fprintf(w, "there are more rows than the %d shown\n", len(r.Rows)); err != nil {
			return err
		}
	}
	if !r.Cut {
		return nil
	}
	_, err := fmt.Fprintf(w, "texts longer than %d bytes were cut\n", viewsql.MaxCell)
	return err
}

// jsonRow is an object whose keys keep their order.
type jsonRow struct {
	columns []string
	values  []any
}

// jsonRows are the rows of a result. It is not nil.
func jsonRows(r viewsql.Result) []jsonRow {
	columns := r.Names()
	list := make([]jsonRow, len(r.Rows))
	for i, row := range r.Rows {
		list[i] = jsonRow{columns, row}
	}
	return list
}

// MarshalJSON returns the object. What JSON cannot write becomes text.
func (r jsonRow) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, value := range r.values {
		if i > 0 {
			b.WriteByte(',')
		}
		switch v := value.(type) {
		case []byte:
			value = hex.EncodeToString(v)
		case float64:
			if math.IsInf(v, 0) {
				value = fmt.Sprint(v)
			}
		}
		name, err := json.Marshal(r.columns[i])
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
