package term

import (
	"strings"
	"unicode/utf8"
)

// Cell is one field of a table.
type Cell struct {
	Text  string
	Style Style
	// end means that the last characters of the text name what it does, and least is
	// the width to which it may be cut. They hold for a table that is too wide.
	end   bool
	least int
}

// Plain returns a cell without a style.
func Plain(text string) Cell { return Cell{Text: text} }

// Styled returns a cell with a style.
func Styled(s Style, text string) Cell { return Cell{Text: text, Style: s} }

// End returns a cell with an id. If the table is too wide, its last characters are shown.
func End(id string) Cell { return Cell{Text: id, end: true} }

// Shrink returns a cell whose text may be cut to a width if the table is too wide.
func Shrink(least int, text string) Cell { return Cell{Text: text, least: least} }

// Headings returns the first row of a table.
func Headings(names ...string) []Cell {
	row := make([]Cell, len(names))
	for i, n := range names {
		row[i] = Styled(Dim, n)
	}
	return row
}

// minLast is the width that the last column of a table keeps at least.
const minLast = 20

// Fits reports whether a table leaves enough room for its last column, if its
// cells are shortened. Without a terminal every table fits.
func (g *Page) Fits(indent string, rows [][]Cell) bool {
	return g.fits(indent, rows) || g.fits(indent, shortened(rows))
}

func (g *Page) fits(indent string, rows [][]Cell) bool {
	if g.Width == 0 || len(rows) == 0 {
		return true
	}
	total := Columns(indent)
	widths := columnWidths(rows)
	for i, w := range widths {
		if i == len(widths)-1 {
			total += min(w, minLast)
		} else {
			total += w + 2
		}
	}
	return total <= g.Width
}

func columnWidths(rows [][]Cell) (widths []int) {
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Columns(c.Text))
		}
	}
	return widths
}

// Table writes rows in aligned columns, indented. On a terminal the last column is cut
// to fit, and then the cells of End and Shrink. If that is not enough, each row is written as lines of
// one field each.
func (g *Page) Table(indent string, rows [][]Cell) {
	switch {
	case len(rows) == 0:
	case g.Width > 0 && len(rows[0]) == 2 && !headed(rows):
		g.pairs(indent, rows)
	case g.fits(indent, rows):
		g.table(indent, rows)
	case g.fits(indent, shortened(rows)):
		g.table(indent, shortened(rows))
	case headed(rows):
		g.records(indent, rows)
	default:
		for _, row := range rows {
			g.Wrap(indent+"    ", last(row).Text, append([]Cell{Plain(indent)}, apart(row[:len(row)-1])...)...)
		}
	}
}

func (g *Page) table(indent string, rows [][]Cell) {
	widths := columnWidths(rows)
	for _, row := range rows {
		var line strings.Builder
		used := Columns(indent)
		for i, c := range row {
			if i == len(row)-1 {
				if g.Width > 0 {
					c.Text = Clip(c.Text, max(g.Width-used, 1))
				}
				line.WriteString(g.Paint(c.Style, c.Text))
				break
			}
			gap := strings.Repeat(" ", widths[i]-Columns(c.Text)+2)
			line.WriteString(g.Paint(c.Style, c.Text) + gap)
			used += widths[i] + 2
		}
		g.Linef("%s", strings.TrimRight(indent+line.String(), " "))
	}
}

// pairs writes rows of a name and a value. A value that is too wide continues below.
func (g *Page) pairs(indent string, rows [][]Cell) {
	width := columnWidths(rows)[0]
	below := indent + strings.Repeat(" ", width+2)
	if g.Width-Columns(below) < minLast {
		below = indent + "  "
	}
	for _, row := range rows {
		name := row[0]
		gap := strings.Repeat(" ", width-Columns(name.Text)+2)
		if Columns(indent)+width+2 > g.Width {
			g.Wrap(below, name.Text, Plain(indent))
			name.Text, gap = "", ""
		}
		g.Wrap(below, g.Paint(row[1].Style, row[1].Text), Plain(indent), name, Plain(gap))
	}
}

// records writes each row as its first field, and below it the others with their
// headings.
func (g *Page) records(indent string, rows [][]Cell) {
	width := 0
	for _, c := range rows[0][1:] {
		width = max(width, Columns(c.Text))
	}
	for _, row := range rows[1:] {
		g.Wrap(indent+"  ", g.Paint(row[0].Style, row[0].Text), Plain(indent))
		for i, c := range row[1:] {
			name := rows[0][i+1]
			if c.Text == "" || c.Text == "-" {
				continue
			}
			g.Wrap(indent+"    ", g.Paint(c.Style, c.Text), Plain(indent+"  "), name, Plain(strings.Repeat(" ", width-Columns(name.Text)+2)))
		}
	}
}

// headed reports whether the first row has headings.
func headed(rows [][]Cell) bool {
	for _, c := range rows[0] {
		if c.Style != Dim {
			return false
		}
	}
	return true
}

// apart returns the cells with space behind each.
func apart(row []Cell) (list []Cell) {
	for _, c := range row {
		list = append(list, c, Plain("  "))
	}
	return list
}

func last(row []Cell) Cell { return row[len(row)-1] }

// endLength is how many characters of an id are shown at least.
const endLength = 8

// shortened returns the rows with the ends of ids, as long as they have to be to differ,
// and with what may be cut.
func shortened(rows [][]Cell) [][]Cell {
	short := make([][]Cell, len(rows))
	for i, row := range rows {
		short[i] = append([]Cell(nil), row...)
	}
	for column := range rows[0] {
		length := endLength
		for !differ(rows, column, length) {
			length++
		}
		for i, row := range rows {
			if column < len(row) && row[column].least > 0 {
				short[i][column].Text = Clip(row[column].Text, row[column].least)
			}
			if column < len(row) && row[column].end && utf8.RuneCountInString(row[column].Text) > length+1 {
				short[i][column].Text = "…" + tail(row[column].Text, length)
			}
		}
	}
	return short
}

// differ reports whether different ids of a column have different ends of a length.
func differ(rows [][]Cell, column, length int) bool {
	ids := map[string]string{}
	for _, row := range rows {
		if column >= len(row) || !row[column].end {
			continue
		}
		id := row[column].Text
		if other, there := ids[tail(id, length)]; there && other != id {
			return false
		}
		ids[tail(id, length)] = id
	}
	return true
}

// tail returns the last characters of a text.
func tail(text string, length int) string {
	all := []rune(text)
	return string(all[max(len(all)-length, 0):])
}
