package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestRepliesAreTemplatesWithNames(t *testing.T) {
	t.Parallel()
	const hello = "[[messages.reply]]\nname = \"Hello\"\ntext = \"Hello, {{.Service}}!\"\n"
	many := ""
	for i := range maxReplies + 1 {
		many += fmt.Sprintf("[[messages.reply]]\nname = \"r%d\"\ntext = \"x\"\n", i)
	}
	for lines, want := range map[string]string{
		hello: "",
		hello + strings.ReplaceAll(hello, "Hello", "Bye"):           "",
		hello + strings.ReplaceAll(hello, "Hello", "hello"):         `messages.reply[1].name: "hello" is the name of another reply`,
		"[[messages.reply]]\ntext = \"x\"\n":                        "messages.reply[0].name: is missing",
		"[[messages.reply]]\nname = \"x\"\n":                        "messages.reply[0].text: is missing; write how the message begins",
		strings.Replace(hello, "Hello, ", "", 1):                    "",
		strings.Replace(hello, ".Service", ".Client", 1):            "messages.reply[0].text: there is no .Client; use one of .Order .Service",
		strings.Replace(hello, "{{.Service}}", "{{.Serv", 1):        "messages.reply[0].text: is not a valid template",
		strings.Replace(hello, "Hello", strings.Repeat("x", 41), 1): "has 41 characters",
		hello + "send = true\n":                                     "messages.reply[0].send: unknown key",
		many:                                                        "there are 13 replies; write at most 12",
	} {
		got := problems(t, strings.Replace(good, "[agent]\n", lines+"[agent]\n", 1))
		if want == "" && len(got) != 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%s: %q, want %q", lines, got, want)
		}
	}
}
