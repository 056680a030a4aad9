package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// capabilities are the six of the marketplace's guide, then those that only the
// deployed marketplace knows.
var capabilities = []string{
	"image_gen", "video_gen", "ugc", "influencer", "brand_content", "custom",
	"coding", "analytics", "seo", "trading", "automation", "consulting",
}

func (t *table) config(dir string) *Config {
	c := &Config{
		Dir:     dir,
		BaseURL: t.api("base_url", "https://api.useatelier.ai/api"),
		BlobURL: t.api("blob_url", "https://vercel.com/api/blob"),
		DataDir: t.text("data_dir", ""),
	}
	switch {
	case c.DataDir == "" && t.has("data_dir"):
		t.problem("data_dir", `is empty; write a folder, like "./atelierd-data"`)
	case strings.HasPrefix(c.DataDir, "~"):
		t.problem("data_dir", "begins with ~, which is not expanded here; write the whole path")
	case strings.ContainsRune(c.DataDir, 0):
		t.problem("data_dir", "contains a NUL byte; remove it")
	}
	c.DataDir = within(dir, c.DataDir)
	local := Loopback(c.BaseURL)
	c.Local = local
	c.Agent = t.sub("agent").agent()
	c.Poll = t.sub("poll").poll(local)
	c.Budget = t.sub("budget").budget(c, dir)
	c.Work = t.sub("work").work(local)
	c.Messages = t.sub("messages").messages()
	c.Webhook = t.sub("webhook").webhook(dir)
	c.Metrics = t.sub("metrics").metrics()
	c.Console = t.sub("console").console(dir)
	c.MCP = t.sub("mcp").mcp()
	c.Ping = t.sub("ping").ping(dir)
	c.Backup = t.sub("backup").backup(dir, c.DataDir)
	t.apart(listener{"webhook.listen", c.Webhook.Listen}, listener{"metrics.listen", c.Metrics.Listen}, listener{"console.listen", c.Console.Listen})
	c.NATS = t.sub("nats").nats(dir)
	c.Generators = t.sub("generator").generators(dir)
	c.Assistant = t.sub("assistant").assistant(dir, c.Generators)
	c.Storage = t.sub("storage").storage(c)
	t.reached(c.NATS, c.Generators)
	if c.Budget.SharedWith == SharedNATS && !c.NATS.On() {
		t.problem("budget.shared_with", `is "nats", and [nats] names no server; write urls = ["tls://nats.example.com:4222"] there`)
	}
	c.Services = t.services("service", c.Generators)
	t.stored(c.Storage, c.Services)
	t.assisted(c.Assistant, c.Services)
	c.Spending = t.sub("spending").spending(c.Generators, c.Services)
	c.Clients = t.sub("clients").clients()
	c.Bounties = t.sub("bounties").bounties(c.Services)
	c.History = t.sub("history").history()
	c.Notify = t.notifications(dir)
	t.done()
	return c
}

// length returns a required text of least to most characters.
func (t *table) length(key string, least, most int) string {
	want := fmt.Sprintf("%d to %d characters", least, most)
	s := t.required(key, want)
	if n := utf8.RuneCountInString(s); n < least || n > most {
		t.problem(t.at(key), "has %d characters; write %s", n, want)
	}
	return s
}

// agent checks the limits that the marketplace's guide sets for a profile.
func (t *table) agent() Agent {
	defer t.done()
	a := Agent{
		Name:         t.length("name", 2, 50),
		Description:  t.length("description", 10, 500),
		EndpointURL:  t.address("endpoint_url", ""),
		Capabilities: t.list("capabilities"),
		PayoutWallet: t.wallet("payout_wallet"),
		OwnerWallet:  t.wallet("owner_wallet"),
		AvatarURL:    t.address("avatar_url", ""),
		AIModels:     t.models("ai_models"),

		KeyCredential: t.credential("key_credential"),
	}
	t.payout(&a)
	if !t.has("endpoint_url") {
		t.problem(t.at("endpoint_url"), `is missing; write a URL of yours, like "https://my-agent.example.com"`)
	}
	for i, c := range a.Capabilities {
		if !slices.Contains(capabilities, c) {
			t.problem(element(t.at("capabilities"), i), "%.40q is not a capability; write one of %s", c, strings.Join(capabilities, ", "))
		}
	}
	if !t.has("payout_wallet") {
		t.warn(t.at("payout_wallet"), "is missing, so completed orders are not paid out; write your Solana address before you sell")
	}
	return a
}

func (t *table) poll(sandbox bool) Poll {
	defer t.done()
	p := Poll{Interval: t.duration("interval", 150*time.Second, time.Second, 24*time.Hour)}
	if p.Interval < 120*time.Second && !sandbox {
		t.warn(t.at("interval"), `is under 120s, but the marketplace allows 30 polls an hour and may count deliveries with them; write "120s" or more`)
	}
	return p
}

// budget allows at most the limits of the marketplace's guide. The limit for
// messages is that of the deployed marketplace.
func (t *table) budget(c *Config, dir string) Budget {
	defer t.done()
	b := Budget{
		Window:   t.duration("window", time.Hour, time.Second, 24*time.Hour),
		Poll:     t.number("poll", 30, 0, 30),
		Deliver:  t.number("deliver", 30, 0, 30),
		Upload:   t.number("upload", 30, 0, 30),
		Messages: t.number("messages", 60, 0, 60),
		Services: t.number("services", 20, 0, 20),
		Register: t.number("register", 5, 0, 5),
		Token:    t.number("token", 10, 0, 10),
		Bounties: t.number("bounties", 30, 0, 100),
	}
	b.Reserve = t.number("reserve", min(8, max(b.Poll-1, 0)), 0, 30)
	if b.Reserve >= b.Poll {
		key := "reserve"
		if !t.has(key) {
			key = "poll"
		}
		t.problem(t.at(key), "reserve is %d and poll is %d, which leaves no request for polling; write a reserve below poll", b.Reserve, b.Poll)
	}
	b.SharedWith = t.sharedWith(dir, c.DataDir)
	if b.Window != time.Hour && !c.Local {
		t.warn(t.at("window"), `is not "1h", the window of the marketplace; change it for a sandbox only`)
	}
	return b
}

// sharedWith is where agents on one address count together.
func (t *table) sharedWith(dir, dataDir string) string {
	const key = "shared_with"
	text := t.text(key, "")
	switch {
	case text == "":
		return ""
	case text == SharedNATS:
		return SharedNATS
	case strings.HasPrefix(text, "~"):
		t.problem(t.at(key), "begins with ~, which is not expanded here; write the whole path")
	case strings.ContainsRune(text, 0):
		t.problem(t.at(key), "contains a NUL byte; remove it")
	}
	path := within(dir, text)
	if rel, err := filepath.Rel(dataDir, path); err == nil && filepath.IsLocal(rel) {
		t.problem(t.at(key), "is inside the data folder, which other agents cannot read; write a folder of its own")
	}
	return path
}

func (t *table) work(sandbox bool) Work {
	defer t.done()
	w := Work{
		Generators:     t.number("generators", 2, 1, 64),
		MaxAttempts:    t.number("max_attempts", 5, 1, 100),
		Drain:          t.duration("drain", 30*time.Second, 0, 10*time.Minute),
		Lease:          t.duration("lease", time.Minute, time.Second, time.Hour),
		Backoff:        t.duration("backoff", 30*time.Second, 10*time.Millisecond, time.Hour),
		DeliverTimeout: t.duration("deliver_timeout", 150*time.Second, time.Second, time.Hour),
	}
	if w.DeliverTimeout < 150*time.Second && !sandbox {
		t.warn(t.at("deliver_timeout"), `is under 150s, but the marketplace may take 120s to answer a delivery; write "150s" or more`)
	}
	return w
}
