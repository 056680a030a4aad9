package enroll

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// This file knows what the deployed marketplace refuses in a profile and in a
// service, and what only stands in the examples. The marketplace's guide allows more,
// so the configuration does too.

// Problem is something that the marketplace would refuse, or that would register an
// agent which pays out to nobody. Key is the key of the configuration to change.
type Problem struct {
	Key, Text string
	// Example means that the value only stands in the examples.
	Example bool
}

var (
	agentName = regexp.MustCompile(`^[A-Za-z0-9 ._'-]{3,40}$`)
	claims    = regexp.MustCompile(`(?i)risk[- ]?free|100 ?% success`)
	word      = regexp.MustCompile(`[a-z0-9]+`)
)

// blockedWords may not be a word of an agent's name, protectedTerms not even a part.
var (
	blockedWords   = []string{"test", "asdf", "null", "undefined"}
	protectedTerms = []string{"atelier", "said", "claw", "clawpump", "peng", "squire", "team", "protocol"}
)

// The shortest and longest titles, and the shortest description of a service or agent.
const (
	shortestTitle, longestTitle = 5, 80
	shortestDescription         = 40
)

// CheckAgent returns what is wrong with a profile. local means that the marketplace is
// on this machine, where nobody is paid and some addresses of the docs will do.
func CheckAgent(p atelier.Profile, local bool) []Problem {
	var list []Problem
	add := func(key, format string, args ...any) {
		list = append(list, Problem{Key: "agent." + key, Text: fmt.Sprintf(format, args...)})
	}
	name := strings.ToLower(p.Name)
	if !agentName.MatchString(p.Name) {
		add("name", "%.60q: the marketplace takes 3 to 40 letters, digits, spaces and . - _ '", p.Name)
	}
	for _, w := range word.FindAllString(name, -1) {
		if slices.Contains(blockedWords, w) {
			add("name", "%.60q contains the word %q, which the marketplace refuses", p.Name, w)
		}
	}
	for _, term := range protectedTerms {
		if strings.Contains(name, term) {
			add("name", "%.60q contains %q, which the marketplace protects", p.Name, term)
			break
		}
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(p.Description)); n < shortestDescription {
		add("description", "has %d characters; the marketplace wants %d", n, shortestDescription)
	}
	if claims.MatchString(p.Description) {
		add("description", "contains a claim that the marketplace bans, like risk-free or 100%% success")
	}
	list = append(list, exampleValues(p, local)...)
	slices.SortStableFunc(list, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// exampleValues returns what only stands in the examples.
func exampleValues(p atelier.Profile, local bool) (list []Problem) {
	add := func(key, format string, args ...any) {
		list = append(list, Problem{"agent." + key, fmt.Sprintf(format, args...), true})
	}
	if slices.Contains(exampleNames, p.Name) {
		add("name", "%q is the name of the example; write your own", p.Name)
	}
	for key, address := range map[string]string{"endpoint_url": p.EndpointURL, "avatar_url": p.AvatarURL} {
		if exampleURL(address) {
			add(key, "%.80q is an address of the examples; write your own", address)
		}
	}
	for key, wallet := range map[string]string{"payout_wallet": p.PayoutWallet, "owner_wallet": p.OwnerWallet, "payout_address_base": p.PayoutAddressBase} {
		if exampleWallet(wallet, local) {
			add(key, "%s is an address of the examples, so nobody would be paid; write your own", wallet)
		}
	}
	return list
}

// CheckService returns what is wrong with a service.
func CheckService(s atelier.Service) []Problem {
	var list []Problem
	add := func(key, format string, args ...any) {
		list = append(list, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
	title := order.NormalTitle(s.Title)
	if n := utf8.RuneCountInString(title); n < shortestTitle || n > longestTitle {
		add("title", "has %d characters; the marketplace takes %d to %d", n, shortestTitle, longestTitle)
	}
	if at := strings.IndexFunc(title, func(r rune) bool { return r > unicode.MaxASCII || r < ' ' }); at >= 0 {
		r, _ := utf8.DecodeRuneInString(title[at:])
		add("title", "contains %q; the marketplace takes plain ASCII only", r)
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(s.Description)); n < shortestDescription {
		add("description", "has %d characters; the marketplace wants %d", n, shortestDescription)
	}
	if claims.MatchString(s.Title) || claims.MatchString(s.Description) {
		add("description", "contains a claim that the marketplace bans, like risk-free or 100%% success")
	}
	if exampleURL(s.DemoURL) {
		add("demo_url", "%.80q is an address of the examples; write your own, or remove it", s.DemoURL)
	}
	return list
}

// The values that the README, the docs and atelierd init show.
var (
	exampleNames = []string{"My Creative Agent", "Night Garden Studio"}
	// The first two stand in the README and in the example of the configuration.
	exampleWallets = []string{"4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}
	// Programs of Solana, which no person owns. The docs use them with the sandbox.
	sandboxWallets = []string{"11111111111111111111111111111111", "So11111111111111111111111111111111111111112"}
)

// exampleWallet reports whether an address stands in the docs and belongs to nobody.
func exampleWallet(address string, local bool) bool {
	same := func(other string) bool {
		return address == other || strings.HasPrefix(other, "0x") && strings.EqualFold(address, other)
	}
	return slices.ContainsFunc(exampleWallets, same) || !local && slices.ContainsFunc(sandboxWallets, same)
}

// exampleURL reports whether an address is in a domain that is reserved for examples.
func exampleURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := "." + strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	for _, domain := range []string{".example.com", ".example.org", ".example.net", ".example"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// Registrable returns an error with all that CheckAgent finds, or nil.
func Registrable(p atelier.Profile, local bool) error {
	list := CheckAgent(p, local)
	if len(list) == 0 {
		return nil
	}
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.Key + " " + p.Text
	}
	return order.Failf(order.Hold, order.CodeListingRules, "the agent is not registered: %s", strings.Join(texts, "; ")).
		WithHint("correct the keys in the configuration; %s checks them", order.Command("doctor"))
}
