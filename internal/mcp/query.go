package mcp

import (
	"context"
	"encoding/hex"
	"errors"

	"atelierd/internal/store/viewsql"
	"atelierd/internal/term"
)

// Queries runs an agent's statements, and says what they may read.
type Queries interface {
	Run(ctx context.Context, statement string) (viewsql.Result, error)
	Schema(ctx context.Context) ([]viewsql.View, error)
}

// The limits of a result. A model reads all of it.
const (
	maxCell   = 2000      // characters
	maxResult = 100 << 10 // bytes
)

type queryArguments struct {
	SQL string `json:"sql" jsonschema:"one SELECT on the views of schema://"`
}

// query runs a statement. All text in its result is foreign, unless it can be nothing but
// an id, a time or a state.
func (s *Server) query(ctx context.Context, _ Caller, in queryArguments) (answer, error) {
	result, err := s.o.Queries.Run(ctx, in.SQL)
	if refused, ok := errors.AsType[*viewsql.Refused](err); ok {
		return answer{}, refuse("%s. schema:// names the views and their columns.", sentence(refused.Reason))
	}
	if err != nil {
		return answer{}, err
	}
	var columns []string
	for _, name := range result.Columns {
		columns = append(columns, term.Line(brackets.Replace(name), 64))
	}
	rows, size, more := [][]any{}, 0, result.More
	for _, row := range result.Rows {
		cells := make([]any, len(row))
		for i, v := range row {
			cells[i] = s.cell(v)
			size += length(cells[i])
		}
		if size > maxResult {
			more = true
			break
		}
		rows = append(rows, cells)
	}
	return answer{value: object{"columns": columns, "rows": rows, "more_rows": more}}, nil
}

func (s *Server) cell(v any) any {
	switch v := v.(type) {
	case string:
		v = s.o.Redact(v)
		if identifier.MatchString(v) {
			return v
		}
		return cut(v, maxCell)
	case []byte:
		return cut(hex.EncodeToString(v), maxCell)
	case float64:
		if v-v != 0 { // JSON has no infinity
			return nil
		}
	}
	return v
}

func length(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case foreign:
		return len(v) + len(opening) + len(closing)
	}
	return 8
}

// schema returns the views that query reads.
func (s *Server) views(ctx context.Context) (object, error) {
	list, err := s.o.Queries.Schema(ctx)
	if err != nil {
		return nil, err
	}
	views := object{}
	for _, v := range list {
		views[v.Name] = v.Columns
	}
	return object{"views": views}, nil
}
