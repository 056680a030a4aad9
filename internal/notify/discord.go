package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// discordRunes is the longest content, in characters.
	discordRunes = 2000
	// The flags of a message: no previews of links, no sound.
	discordNoEmbeds = 1 << 2
	discordSilent   = 1 << 12
)

// discord sends to a webhook of a channel, whose address is secret.
//
// Source: Discord's documentation, August 2026.
type discord struct{ poster }

// Send waits for the message to be saved, since an error after that is not reported.
func (d discord) Send(ctx context.Context, m Message) (string, error) {
	u, err := d.address()
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("wait", "true")
	u.RawQuery = q.Encode()
	body := discordBody(m)
	if !m.Urgent {
		body["flags"] = discordNoEmbeds | discordSilent
	}
	a, err := d.post(ctx, request{method: http.MethodPost, address: u, body: body})
	if err != nil {
		return "", err
	}
	if !a.ok() {
		return "", discordFailure(a)
	}
	var sent struct{ ID string }
	_ = json.Unmarshal(a.body, &sent) // without it the message cannot be edited
	return sent.ID, nil
}

func (d discord) Edit(ctx context.Context, ref string, m Message) error {
	u, err := d.address()
	if err != nil {
		return err
	}
	a, err := d.post(ctx, request{method: http.MethodPatch, address: u.JoinPath("messages", ref), body: discordBody(m)})
	if err != nil {
		return err
	}
	if !a.ok() {
		return discordFailure(a)
	}
	return nil
}

func discordBody(m Message) map[string]any {
	text := "**" + markdown(m.Title) + "**"
	if m.Text != "" {
		text += "\n" + markdown(m.Text)
	}
	return map[string]any{
		"content":          cut(text, discordRunes, utf8.RuneCountInString),
		"allowed_mentions": map[string]any{"parse": []string{}}, // text of a client must not call people
		"flags":            discordNoEmbeds,
	}
}

// address is a link that has nothing which Discord takes for markup.
var address = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/?#@!$&',;=%+-]+$`)

// markdown escapes what Discord would take for markup, except in plain addresses.
func markdown(text string) string {
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "~", `\~`, "`", "\\`", "|", `\|`, ">", `\>`, "[", `\[`, "]", `\]`, "(", `\(`, "#", `\#`, "<", `\<`)
	var b strings.Builder
	for part := range strings.SplitAfterSeq(text, " ") {
		for word := range strings.SplitAfterSeq(part, "\n") {
			if address.MatchString(strings.TrimRight(word, " \n")) {
				b.WriteString(word)
			} else {
				b.WriteString(escape.Replace(word))
			}
		}
	}
	return b.String()
}

func discordFailure(a answer) *Failure {
	var said struct {
		Message    string
		RetryAfter float64 `json:"retry_after"`
	}
	_ = json.Unmarshal(a.body, &said) // without it the status decides
	f := a.failure(said.Message)
	if f.Kind == Later && said.RetryAfter > 0 {
		f.After = max(f.After, time.Duration(min(said.RetryAfter, mostWait.Seconds())*float64(time.Second)))
	}
	return f
}
