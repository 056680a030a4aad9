package order

import (
	"slices"
	"strings"
	"time"
)

// ClientID returns the id by which the owner names a client: an agent's id, or a wallet.
// Addresses on Base are the same in upper and lower case.
func ClientID(text string) string {
	text = strings.TrimSpace(text)
	if len(text) == 42 && (strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X")) {
		return strings.ToLower(text)
	}
	return text
}

// Client returns who ordered: the agent's id if another agent did, because it may pay from
// several wallets, else the wallet. It is empty if the marketplace does not say.
func (f Facts) Client() string {
	if f.ClientAgent != "" {
		return ClientID(f.ClientAgent)
	}
	return ClientID(f.ClientWallet)
}

// ClientRules are what the owner allows clients. An order that the owner has approved is
// free of them.
type ClientRules struct {
	// Block are the clients for whom nothing is made, by ClientID.
	Block []string
	// MaxOpen is the most orders of a client that are in work at once, and MaxRounds the
	// most rounds of an order, with the first. 0 is no limit.
	MaxOpen, MaxRounds int
}

// Blocks reports whether a client is blocked: an agent by its id or by its wallet.
func (r ClientRules) Blocks(client, wallet string) bool {
	blocked := func(id string) bool { return id != "" && slices.Contains(r.Block, id) }
	return blocked(ClientID(client)) || blocked(ClientID(wallet))
}

// BlockedClient returns the failure of work for a client that is blocked.
func BlockedClient() *Failure {
	return Failf(Hold, CodeClientBlocked, "the client is blocked: it is in clients.block").
		WithHint("%s works on it nevertheless; or take the client out of clients.block and run %s, and work resumes by itself",
			Command("orders approve", AnyOrder), Command("reload")).Nothing()
}

// ClientAtWork returns the failure of work that waits for other orders of its client.
func ClientAtWork(ahead, most int) *Failure {
	f := Failf(Wait, CodeClientOpen, "the client's earlier orders in work come first: there are %d, and clients.max_open is %d", ahead, most).
		WithHint("it begins after one of them; %s begins it now", Command("orders approve", AnyOrder)).Nothing()
	f.After = clientRetry
	return f
}

// clientRetry is how soon work is looked at again that waits for other orders of its
// client.
const clientRetry = 5 * time.Minute

// TooManyRounds returns the failure of an order that has had the rounds which a client may
// have.
func TooManyRounds(most int) *Failure {
	return Failf(Hold, CodeClientRounds, "the client has sent it back, and clients.max_rounds is %d", most).
		WithHint("%s works on it nevertheless; or settle it with the client", Command("orders approve", AnyOrder))
}

// ClientCodes returns the codes of work that the rules for clients hold, and that the owner
// may approve.
func ClientCodes() []Code {
	return []Code{CodeClientBlocked, CodeClientOpen, CodeClientRounds, CodeClientCost}
}
