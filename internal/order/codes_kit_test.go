package order_test

import (
	"go/ast"
	"go/token"
	"iter"
)

// bareCodes yields the expressions of a file that stand where a code does.
func bareCodes(file *ast.File) iter.Seq[ast.Expr] {
	return func(yield func(ast.Expr) bool) {
		ast.Inspect(file, func(n ast.Node) bool {
			for _, e := range codesOf(n) {
				if e != nil && !yield(e) {
					return false
				}
			}
			return true
		})
	}
}

// codesOf returns the expressions of one node that stand where a code does.
func codesOf(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.CallExpr:
		if named(n.Fun, "Failf") && len(n.Args) > 1 {
			return n.Args[1:2]
		}
		if named(n.Fun, "RunNow") {
			return n.Args
		}
	case *ast.KeyValueExpr:
		if named(n.Key, "Code") {
			return []ast.Expr{n.Value}
		}
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			return compared(n.X, n.Y)
		}
	case *ast.AssignStmt:
		if len(n.Lhs) == len(n.Rhs) {
			var list []ast.Expr
			for i := range n.Lhs {
				list = append(list, compared(n.Lhs[i], n.Rhs[i])...)
			}
			return list
		}
	case *ast.SwitchStmt:
		if n.Tag != nil && named(n.Tag, "Code") {
			var list []ast.Expr
			for _, c := range n.Body.List {
				list = append(list, c.(*ast.CaseClause).List...)
			}
			return list
		}
	case *ast.CompositeLit:
		if list, ok := n.Type.(*ast.ArrayType); ok && named(list.Elt, "Code") {
			return n.Elts
		}
	}
	return nil
}

// compared returns the other side of a field Code.
func compared(x, y ast.Expr) []ast.Expr {
	switch {
	case isField(x):
		return []ast.Expr{y}
	case isField(y):
		return []ast.Expr{x}
	}
	return nil
}

func isField(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Code"
}

// named reports whether an expression is a name, with or without its package.
func named(e ast.Expr, name string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == name
	case *ast.SelectorExpr:
		return e.Sel.Name == name
	}
	return false
}

// comparedTexts yields the places of a file where the text of an error decides.
func comparedTexts(file *ast.File) iter.Seq[ast.Expr] {
	return func(yield func(ast.Expr) bool) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && (isErrorText(n.X) && text(n.Y) != "" || isErrorText(n.Y) && text(n.X) != "") {
					return yield(n)
				}
			case *ast.CallExpr:
				for _, name := range []string{"Contains", "HasPrefix", "HasSuffix", "EqualFold"} {
					if named(n.Fun, name) && len(n.Args) == 2 && isErrorText(n.Args[0]) {
						return yield(n)
					}
				}
			}
			return true
		})
	}
}

// isErrorText reports whether an expression is a call of a method Error.
func isErrorText(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) != 0 {
		return false
	}
	s, ok := call.Fun.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Error"
}
