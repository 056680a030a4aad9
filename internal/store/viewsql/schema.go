package viewsql

import (
	"context"
	"fmt"
)

// View is a view that statements may read.
type View struct {
	Name    string
	Columns []string
}

// Schema returns the views, by name.
func (r *Runner) Schema(ctx context.Context) (list []View, err error) {
	db, err := open(r.path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT s.name, c.name FROM sqlite_schema AS s, pragma_table_info(s.name) AS c
		WHERE s.type = 'view' AND s.name GLOB 'v_*' ORDER BY s.name, c.cid`)
	if err != nil {
		return nil, fmt.Errorf("read the views: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var view, column string
		if err := rows.Scan(&view, &column); err != nil {
			return nil, fmt.Errorf("read the views: %w", err)
		}
		if len(list) == 0 || list[len(list)-1].Name != view {
			list = append(list, View{Name: view})
		}
		v := &list[len(list)-1]
		v.Columns = append(v.Columns, column)
	}
	return list, rows.Err()
}
