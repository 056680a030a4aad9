package config

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestATargetOfNotifications(t *testing.T) {
	t.Parallel()
	c, err := Load(write(t, Example()+`
[[notify]]
type = "telegram"
token_file = "bot.token"
chat = "12"
events = ["delivered", "digest"]
digest_at = "07:45"
quiet = "23:00-07:30"
time_zone = "Europe/Berlin"
`))
	if err != nil {
		t.Fatal(err)
	}
	n := c.Notify[0]
	if n.Name != "telegram" || n.Chat != "12" || !strings.HasSuffix(n.Token.File, "/bot.token") ||
		len(n.News) != 2 || n.News[0] != order.NewsDelivered || n.PerHour != 20 || n.DigestAt != 465*time.Minute {
		t.Errorf("read %+v", n)
	}
	for at, want := range map[string]bool{"22:59": false, "23:00": true, "03:00": true, "07:29": true, "07:30": false, "12:00": false} {
		local, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-25 "+at, n.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if n.Quiet(local.UTC()) != want {
			t.Errorf("quiet at %s is %t", at, !want)
		}
	}
	if (Notify{Zone: time.UTC}).Quiet(time.Now()) {
		t.Error("it is quiet without a time for it")
	}
}

func TestWhatIsWrongWithATargetOfNotifications(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`type = "pager"`: `"pager" is not a valid value`,
		`type = "ntfy"`:  "has no address; set url, or url_file, url_env",
		"type = \"slack\"\nurl = \"https://x.example/a\"\nurl_env = \"HOOK\"":                                              "is set next to url_file, url_env or url_credential",
		"type = \"slack\"\nurl_env = \"https://hooks.slack.com/services/T/B/x\"":                                           "is not the name of an environment variable",
		"type = \"telegram\"\nchat = \"1\"":                                                                                "has no token_file, token_env or token_credential",
		"type = \"telegram\"\ntoken_env = \"T\"":                                                                           "chat: is missing",
		"type = \"command\"":                                                                                               "command: is missing",
		"type = \"email\"\nserver = \"smtp.example.com\"\nfrom = \"a@x.example\"\nto = [\"b@x.example\"]":                  "is not a host and a port",
		"type = \"email\"\nserver = \"smtp.example.com:25\"\nfrom = \"a@x.example\"\nto = [\"b@x.example\"]\nplain = true": "sends mail without TLS to another machine",
		"type = \"ntfy\"\nurl = \"https://x.example/a\"\nevents = [\"all\"]":                                               `"all" is no event; write some of needs_owner, down, delivered, message`,
		"type = \"ntfy\"\nurl = \"https://x.example/a\"\nquiet = \"night\"":                                                "is no span of a day",
		"type = \"ntfy\"\nurl = \"https://x.example/a\"\nevents = [\"digest\"]\ndigest_at = \"noon\"":                      "is no time of the day",
		"type = \"ntfy\"\nurl = \"https://x.example/a\"\ndigest_at = \"09:00\"":                                            "is set without the event",
		"type = \"ntfy\"\nurl = \"https://x.example/a\"\ntime_zone = \"Mars\"":                                             "is no time zone",
		"type = \"ntfy\"\nurl = \"https://x.example/a\"\nchat = \"1\"":                                                     "chat: is not for type ntfy; remove it",
		"type = \"ntfy\"\nurl = \"https://x.example/a\"\n[[notify]]\ntype = \"ntfy\"\nurl = \"https://x.example/b\"":       "another [[notify]] has the name \"ntfy\"",
	} {
		_, err := Load(write(t, Example()+"\n[[notify]]\n"+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nis answered with %v, want %s", text, err, want)
		}
	}
}

// A wrong type is one problem, not one for each key as well.
func TestAWrongTypeOfATargetIsOneProblem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`url = "https://x.example/a"`, "type = \"pager\"\nchat = \"1\""} {
		_, err := Load(write(t, Example()+"\n[[notify]]\n"+text+"\n"))
		if err == nil || strings.Contains(err.Error(), "unknown key") || strings.Contains(err.Error(), "name: ") {
			t.Errorf("%s\nis answered with %v", text, err)
		}
	}
}
