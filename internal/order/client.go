package order

import "strings"

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
