package notify

import (
	"context"
	"encoding/json"
	"io"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile are texts of clients that try to be more than text.
var hostile = map[string]string{
	"markdown":         "**bold** _it_ ~~gone~~ `code` ||spoiler|| > quote # head\n# head\n> quote",
	"a masked link":    "[your bank](https://evil.example) https://good.example[here](https://evil.example) <https://evil.example|your bank>",
	"HTML":             `<b onclick="x">bold</b><script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt;`,
	"mentions":         "@everyone @here @channel @ann <@123> <@&5> <#9> <!everyone> <!subteam^S1|x>",
	"a Slack link":     "<https://evil.example|https://good.example>",
	"right to left":    "עברית ملف.exe",
	"JSON":             `","urgent":true,"x":"\u0000"}`,
	"mail headers":     "x\r\nBcc: all@example.com\r\n\r\n.\r\nQUIT",
	"ten kB":           strings.Repeat("0123456789 <&> *_@ ", 540),
	"no space":         strings.Repeat("w", 10_000),
	"wide and unusual": strings.Repeat("🎨", 3000) + strings.Repeat("\u0301", 3000),
}

// received sends a hostile text as title and as text and returns what the service got.
func received(t *testing.T, typ, text string) string {
	t.Helper()
	s := serve(t, 200, nil, `{"ok":true,"id":"1","result":{"message_id":42}}`)
	to := target(t, Spec{Type: typ, URL: known(s.URL + "/my-topic"), Token: known("123:secret"), Chat: "1"})
	send(t, to, Message{ID: "m1", Title: strings.ReplaceAll(text, "\n", " "), Text: text})
	body := s.one(t).body
	switch typ {
	case TypeDiscord:
		if list := body["allowed_mentions"].(map[string]any)["parse"].([]any); len(list) != 0 {
			t.Errorf("people may be called: %v", list)
		}
		return body["content"].(string)
	case TypeNtfy:
		if body["markdown"] != nil || body["click"] != nil || body["actions"] != nil || body["topic"] != "my-topic" {
			t.Errorf("the message is more than text: %v", body)
		}
		return body["message"].(string)
	case TypeTelegram:
		if body["parse_mode"] != nil || body["entities"] != nil || body["chat_id"] != "1" {
			t.Errorf("the message has markup: %v", body)
		}
		return body["text"].(string)
	case TypeSlack:
		if body["mrkdwn"] != false || body["blocks"] != nil || body["link_names"] != nil {
			t.Errorf("the message has markup: %v", body)
		}
	case TypeWebhook:
		if body["urgent"] != false || body["id"] != "m1" || len(body) != 5 {
			t.Errorf("the message has other fields: %v", body)
		}
	}
	return body["text"].(string)
}

// unescaped finds what Discord takes for markup.
var unescaped = regexp.MustCompile("(^|[^\\\\])(\\\\\\\\)*[*_~`|>\\[\\]<#]")

func TestTextOfAClientStaysText(t *testing.T) {
	t.Parallel()
	most := map[string]int{TypeNtfy: 4096, TypeTelegram: 4096, TypeDiscord: 2000, TypeSlack: 5 * 4000, TypeWebhook: 1 << 20}
	for _, typ := range []string{TypeNtfy, TypeTelegram, TypeDiscord, TypeSlack, TypeWebhook} {
		for name, text := range hostile {
			t.Run(typ+" "+name, func(t *testing.T) {
				t.Parallel()
				got := received(t, typ, text)
				if !utf8.ValidString(got) || utf8.RuneCountInString(got) > most[typ] {
					t.Errorf("%d characters, valid: %t", utf8.RuneCountInString(got), utf8.ValidString(got))
				}
				switch typ {
				case TypeDiscord:
					inner := strings.NewReplacer("**", "").Replace(got) // around the title
					if at := unescaped.FindString(inner); at != "" {
						t.Errorf("%q is markup in %s", at, got)
					}
				case TypeSlack:
					if strings.ContainsAny(got, "<>") {
						t.Errorf("there is markup in %s", got)
					}
				case TypeTelegram:
					if regexp.MustCompile(`@\w`).MatchString(got) {
						t.Errorf("somebody is called in %s", got)
					}
				}
			})
		}
	}
}

func TestTextOfAClientStaysTextForAProgramAndInAMail(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var input map[string]any
			send(t, target(t, Spec{Type: TypeCommand, Run: func(_ context.Context, in []byte) error { return json.Unmarshal(in, &input) }}),
				Message{ID: "m1", Title: text, Text: text})
			if input["text"] != text || input["urgent"] != false || len(input) != 5 {
				t.Errorf("the program reads %v", input)
			}
			m := &mailbox{}
			server, roots := serveMail(t, m)
			to := mailTo(t, Mail{Server: server, User: "me", From: "agent@example.com", To: []string{"a@example.com"}}, roots, "s3cr3t-password")
			send(t, to, Message{ID: "m1", Title: text, Text: text})
			letter, err := mail.ReadMessage(strings.NewReader(m.letters[0]))
			if err != nil {
				t.Fatal(err)
			}
			if letter.Header.Get("Bcc") != "" || !strings.HasPrefix(letter.Header.Get("Content-Type"), "text/plain") || len(m.letters) != 1 || len(m.to) != 1 {
				t.Errorf("%d letters to %v with %v", len(m.letters), m.to, letter.Header)
			}
			body, err := io.ReadAll(letter.Body)
			if err != nil || len(body) == 0 {
				t.Errorf("the body is %q, %v", body, err)
			}
			for line := range strings.Lines(m.letters[0]) {
				if len(line) > 1000 {
					t.Errorf("a line has %d bytes", len(line))
				}
			}
		})
	}
}
