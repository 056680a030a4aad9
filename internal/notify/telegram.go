package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

const (
	telegramAPI = "https://api.telegram.org"
	// telegramUnits is the longest text, in UTF-16 code units.
	telegramUnits = 4096
)

// telegram sends as a bot to one chat. Its text has no markup, so that nothing in it has
// to be escaped. The bot's token is part of the address.
//
// Source: Telegram's Bot API.
type telegram struct {
	poster
	chat string
}

func (t telegram) Send(ctx context.Context, m Message) (string, error) {
	sent, err := t.call(ctx, "sendMessage", map[string]any{
		"chat_id": t.chat, "text": telegramText(m), "disable_notification": !m.Urgent,
		"link_preview_options": map[string]any{"is_disabled": true},
	})
	if err != nil || sent == 0 {
		return "", err
	}
	return strconv.FormatInt(sent, 10), nil
}

func (t telegram) Edit(ctx context.Context, ref string, m Message) error {
	id, err := strconv.ParseInt(ref, 10, 64)
	if err != nil {
		return failf(Refused, "%.40q names no message", ref)
	}
	_, err = t.call(ctx, "editMessageText", map[string]any{
		"chat_id": t.chat, "message_id": id, "text": telegramText(m),
		"link_preview_options": map[string]any{"is_disabled": true},
	})
	return err
}

// telegramText is the text without markup. Telegram would still notify the person behind a
// name such as @ann, so an invisible character parts the two.
func telegramText(m Message) string {
	text := strings.ReplaceAll(m.plain(), "@", "@\u2060")
	return cut(text, telegramUnits, func(s string) int { return len(utf16.Encode([]rune(s))) })
}

// call calls a method of the Bot API and returns the number of the message.
func (t telegram) call(ctx context.Context, method string, body map[string]any) (int64, error) {
	address := telegramAPI
	if t.url != nil {
		text, err := t.url()
		if err != nil {
			return 0, failf(Broken, "the address is not known: %v", err)
		}
		address = strings.TrimSuffix(text.Reveal(), "/")
	}
	token, err := t.bearer()
	if err != nil {
		return 0, err
	}
	u, err := url.Parse(address + "/bot" + url.PathEscape(token.Reveal()) + "/" + method)
	if err != nil {
		return 0, failf(Broken, "the address or the token of the bot cannot be used")
	}
	a, err := t.post(ctx, request{method: http.MethodPost, address: u, body: body})
	if err != nil {
		return 0, err
	}
	var said struct {
		OK          bool
		Description string
		Result      struct {
			ID int64 `json:"message_id"`
		}
		Parameters struct {
			RetryAfter int64 `json:"retry_after"`
			MigrateTo  int64 `json:"migrate_to_chat_id"`
		}
	}
	_ = json.Unmarshal(a.body, &said) // without it the status decides
	switch {
	case a.ok() && said.OK:
		return said.Result.ID, nil
	case strings.Contains(said.Description, "message is not modified"): // an edit whose answer was lost
		return 0, nil
	case said.Parameters.MigrateTo != 0:
		return 0, failf(Broken, "the chat has a new number; set chat = %q", strconv.FormatInt(said.Parameters.MigrateTo, 10))
	case a.ok():
		return 0, failf(Later, "the answer of Telegram cannot be read")
	}
	f := a.failure(said.Description)
	if strings.Contains(said.Description, "chat not found") {
		f.Kind = Broken
	}
	f.After = max(f.After, min(time.Duration(said.Parameters.RetryAfter)*time.Second, mostWait))
	return 0, f
}
