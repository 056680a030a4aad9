package notify

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"
)

// slackRunes is the longest text. Slack cuts longer ones at a place of its choice.
const slackRunes = 4000

// slack sends to an incoming webhook of a channel, whose address is secret.
//
// Source: Slack's documentation and its clients.
type slack struct{ poster }

func (s slack) Send(ctx context.Context, m Message) (string, error) {
	u, err := s.address()
	if err != nil {
		return "", err
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	text := escape.Replace(cut(m.plain(), slackRunes, utf8.RuneCountInString))
	a, err := s.post(ctx, request{method: http.MethodPost, address: u, body: map[string]any{
		"text": text, "mrkdwn": false, "unfurl_links": false, "unfurl_media": false,
	}})
	if err != nil {
		return "", err
	}
	if a.ok() {
		return "", nil
	}
	return "", a.failure(string(a.body)) // a word such as channel_not_found
}
