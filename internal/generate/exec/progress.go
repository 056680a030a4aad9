package exec

import (
	"strconv"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

// maxRemark is the most characters of a remark on progress.
const maxRemark = 100

// progress passes a line on that reports progress, such as "progress 0.4 upscaling" or
// "progress 40%". It returns false for any other line.
func (l *lineLog) progress(line string) bool {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if word != "progress" {
		return false
	}
	number, remark, _ := strings.Cut(strings.TrimSpace(rest), " ")
	plain, percent := strings.CutSuffix(number, "%")
	fraction, err := strconv.ParseFloat(plain, 64)
	if err != nil {
		return false
	}
	if percent {
		fraction /= 100
	}
	if l.report != nil {
		l.report(order.Progress{Phase: order.PhaseMaking, Fraction: fraction, Text: term.Line(remark, maxRemark)})
	}
	return true
}
