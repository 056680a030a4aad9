package config

import (
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"atelierd/internal/notify"
	"atelierd/internal/order"
)

// Notify is one target of notifications.
type Notify struct {
	// Name is unique. Without one in the file it is the type.
	Name string
	Type string // one of notify.Types
	News []order.News

	// URL is the address, or Address is where it is. At most one is set.
	URL     string
	Address Secret
	// Token is where the token or the password is.
	Token   Secret
	Chat    string
	Mail    notify.Mail
	Command []string
	Env     []string

	// PerHour is the most messages in an hour.
	PerHour int
	// QuietFrom and QuietTo are times of the day in Zone between which only what is
	// urgent is sent. Equal ones are no such time.
	QuietFrom, QuietTo time.Duration
	Zone               *time.Location
	// DigestAt is the time of the day in Zone at which the summary of the day before is
	// sent.
	DigestAt time.Duration
}

// addressed are the types with an address of their own.
var addressed = []string{notify.TypeNtfy, notify.TypeDiscord, notify.TypeSlack, notify.TypeWebhook}

func (t *table) notifications(dir string) []Notify {
	var list []Notify
	for _, sub := range t.subs("notify") {
		n := sub.notification(dir)
		if slices.ContainsFunc(list, func(other Notify) bool { return other.Name == n.Name }) {
			sub.problem(sub.path, "another [[notify]] has the name %.40q; set name to another", n.Name)
		}
		list = append(list, n)
	}
	return list
}

func (t *table) notification(dir string) Notify {
	defer t.done()
	n := Notify{Type: t.oneOf("type", "", notify.Types()...), PerHour: t.number("per_hour", 20, 1, 1000)}
	n.Name = t.text("name", n.Type)
	if strings.ContainsAny(n.Name, " \t\n") || n.Name == "" && t.has("name") {
		t.problem(t.at("name"), "is empty or has a space; write one word")
	}
	n.News = t.news()
	n.clock(t)
	if !slices.Contains(notify.Types(), n.Type) {
		t.known = slices.Collect(maps.Keys(t.values)) // without a type no key is known to be wrong
		return n
	}
	if slices.Contains(addressed, n.Type) || n.Type == notify.TypeTelegram {
		n.address(t, dir)
	}
	switch n.Type {
	case notify.TypeNtfy, notify.TypeWebhook, notify.TypeTelegram:
		n.Token = t.secret("token", dir)
	}
	switch n.Type {
	case notify.TypeTelegram:
		n.Chat = t.required("chat", "the number of the chat, in quotes")
		if !n.Token.On() {
			t.problem(t.path, "has no token_file, token_env or token_credential; set one of them to where the bot's token is")
		}
	case notify.TypeEmail:
		n.mail(t, dir)
	case notify.TypeCommand:
		n.Command = t.list("command")
		n.Env = t.list("env")
		if len(n.Command) == 0 {
			t.problem(t.at("command"), "is missing; write a program and its arguments")
		}
	}
	t.otherTypes(n.Type)
	return n
}

// typeKeys are the keys that only some types have.
var typeKeys = []string{
	"url", "url_file", "url_env", "url_credential", "token_file", "token_env", "token_credential", "chat", "server", "user",
	"password_file", "password_env", "password_credential", "from", "to", "plain", "command", "env",
}

// otherTypes rejects the keys of other types.
func (t *table) otherTypes(of string) {
	for _, key := range typeKeys {
		if t.has(key) && !slices.Contains(t.known, key) {
			t.known = append(t.known, key)
			t.problem(t.at(key), "is not for type %s; remove it", of)
		}
	}
}

// news returns the kinds of news that the target takes.
func (t *table) news() []order.News {
	if !t.has("events") {
		t.known = append(t.known, "events")
		return []order.News{order.NewsNeedsOwner, order.NewsDown}
	}
	var list []order.News
	for i, word := range t.list("events") {
		kind := order.News(word)
		if !slices.Contains(order.AllNews(), kind) {
			var words []string
			for _, each := range order.AllNews() {
				words = append(words, string(each))
			}
			t.problem(element(t.at("events"), i), "%.40q is no event; write some of %s", word, strings.Join(words, ", "))
		}
		list = append(list, kind)
	}
	return list
}

// address reads where the messages go. A whole address is fine in the file where a topic
// is no secret.
func (n *Notify) address(t *table, dir string) {
	n.URL = t.address("url", "")
	n.Address = t.secret("url", dir)
	if !t.oneAddress(n.URL, n.Address) && n.Type != notify.TypeTelegram && !t.has("url") {
		t.problem(t.path, "has no address; set url, or url_file, url_env or url_credential if it is secret")
	}
}

// oneAddress rejects more than one source of an address, and reports whether there is one.
func (t *table) oneAddress(address string, secret Secret) bool {
	if address != "" && secret.On() {
		t.problem(t.at("url"), "is set next to url_file, url_env or url_credential; keep one of them")
	}
	return address != "" || secret.On()
}

func (n *Notify) mail(t *table, dir string) {
	n.Mail = notify.Mail{
		Server: t.required("server", `the host and port of a mail server, like "smtp.example.com:587"`),
		User:   t.text("user", ""), From: t.required("from", "the address that the mail comes from"), To: t.list("to"),
	}
	n.Mail.Plain, _ = value[bool](t, "plain", "a boolean")
	if _, _, err := net.SplitHostPort(n.Mail.Server); n.Mail.Server != "" && err != nil {
		t.problem(t.at("server"), `%.80q is not a host and a port; write them like "smtp.example.com:587"`, n.Mail.Server)
	}
	if len(n.Mail.To) == 0 {
		t.problem(t.at("to"), "is missing; write a list of addresses")
	}
	n.Token = t.secret("password", dir)
	if n.Mail.User != "" && !n.Token.On() {
		t.problem(t.at("user"), "is set without password_file, password_env or password_credential; set one of them")
	}
	if n.Mail.Plain && !Loopback("http://"+n.Mail.Server) {
		t.problem(t.at("plain"), "sends mail without TLS to another machine; remove it")
	}
}

// clock reads the times of the day.
func (n *Notify) clock(t *table) {
	n.Zone = time.Local
	if name := t.text("time_zone", ""); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.problem(t.at("time_zone"), `%.40q is no time zone; write one like "Europe/Berlin"`, name)
			zone = time.UTC
		}
		n.Zone = zone
	}
	n.DigestAt = t.timeOfDay("digest_at", t.text("digest_at", "08:00"))
	if t.has("digest_at") && !slices.Contains(n.News, order.NewsDigest) {
		t.problem(t.at("digest_at"), `is set without the event "digest"; add it to events, or remove this`)
	}
	if quiet := t.text("quiet", ""); quiet != "" {
		from, to, ok := strings.Cut(quiet, "-")
		if !ok {
			t.problem(t.at("quiet"), `%.40q is no span of a day; write one like "23:00-07:00"`, quiet)
			return
		}
		n.QuietFrom, n.QuietTo = t.timeOfDay("quiet", from), t.timeOfDay("quiet", to)
	}
}

// timeOfDay returns a time such as 08:00 as what has passed since midnight.
func (t *table) timeOfDay(key, text string) time.Duration {
	at, err := time.Parse("15:04", strings.TrimSpace(text))
	if err != nil {
		t.problem(t.at(key), `%.40q is no time of the day; write one like "08:00"`, text)
		return 0
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

// Quiet reports whether only what is urgent is sent at a time.
func (n Notify) Quiet(at time.Time) bool {
	at = at.In(n.Zone)
	day := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	if n.QuietFrom <= n.QuietTo {
		return n.QuietFrom <= day && day < n.QuietTo
	}
	return day >= n.QuietFrom || day < n.QuietTo
}
