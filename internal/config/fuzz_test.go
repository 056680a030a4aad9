package config

import (
	"strings"
	"testing"
	"unicode"
)

func FuzzLoad(f *testing.F) {
	f.Add(good)
	f.Add(Example())
	f.Add("[[service]]\n[service.x]\n[[service.y]]\na.b = {c = [{d = 1}, true]}\n")
	f.Add("\ufeff[agent\r\n\"a\\u001b\" = 1")
	f.Add("\"a\\u001b\" = 1\n\"a\\u001b\" = 2")
	f.Add("env = [\"A=b\x00")
	f.Add("a = 99999999999999999999")
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := parse([]byte(text), "/etc")
		if len(problems) == 0 && c == nil {
			t.Fatal("neither a configuration nor a problem")
		}
		lines := strings.Count(text, "\n") + 1
		if c != nil {
			problems = append(problems, c.warnings...)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Text == "" {
				t.Errorf("problem %+v, the file has %d lines", p, lines)
			}
			if i := strings.IndexFunc(p.in("x"), unicode.IsControl); i >= 0 {
				t.Errorf("problem %q holds a control character", p.in("x"))
			}
		}
	})
}
