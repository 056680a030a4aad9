package config

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// placeholderWallet begins the placeholders for an address in the marketplace's
// guide.
const placeholderWallet = "YOUR_SOLANA_WALLET"

const base58Digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// wallet returns a Solana address, or "" when the key is missing.
func (t *table) wallet(key string) string {
	s := t.text(key, "")
	if s == "" {
		if t.has(key) {
			t.problem(t.at(key), "is empty; write your Solana address, or remove the key")
		}
		return ""
	}
	if strings.HasPrefix(s, placeholderWallet) {
		t.problem(t.at(key), "is the placeholder of the marketplace's guide; write your own Solana address")
		return ""
	}
	size, err := base58Size(s)
	switch {
	case err != nil:
		t.problem(t.at(key), "is not a Solana address: %v; copy it again from your wallet", err)
	case size != 32:
		t.problem(t.at(key), "is not a Solana address: it has %d bytes, not 32; copy it again from your wallet", size)
	}
	return s
}

// base58Size decodes s and returns its number of bytes.
func base58Size(s string) (int, error) {
	if len(s) > 64 {
		return 0, fmt.Errorf("it has %d characters, more than 44", len(s))
	}
	n := new(big.Int)
	for i := range len(s) {
		digit := strings.IndexByte(base58Digits, s[i])
		if digit < 0 {
			return 0, fmt.Errorf("character %d is not a base58 digit", i+1)
		}
		n.Mul(n, big.NewInt(58)).Add(n, big.NewInt(int64(digit)))
	}
	// Each leading 1 is a zero byte, which the number drops.
	zeros := len(s) - len(strings.TrimLeft(s, "1"))
	return zeros + len(n.Bytes()), nil
}

var baseAddress = regexp.MustCompile(`^0x[0-9a-fA-F]{40}$`)

// payout reads where payouts go besides the Solana wallet.
func (t *table) payout(a *Agent) {
	a.PayoutAddressBase = t.text("payout_address_base", "")
	a.PayoutChain = t.text("payout_chain", "")
	if t.has("payout_chain") {
		a.PayoutChain = t.oneOf("payout_chain", "", "solana", "base")
	}
	key := t.at("payout_address_base")
	switch {
	case !t.has("payout_address_base") && a.PayoutChain == "base":
		t.problem(t.at("payout_chain"), `is "base", but there is no payout_address_base; add your address on Base`)
	case !t.has("payout_address_base"):
	case !baseAddress.MatchString(a.PayoutAddressBase):
		t.problem(key, "is not an address on Base; write 0x and 40 hexadecimal digits, copied from your wallet")
	case strings.Trim(a.PayoutAddressBase[2:], "0") == "":
		t.problem(key, "is the zero address, which belongs to nobody; write your own")
	case !checksummed(a.PayoutAddressBase):
		t.problem(key, "has a mistake: upper and lower case letters do not fit its digits; copy it again from your wallet")
	case a.PayoutChain != "base":
		t.warn(key, `is set without payout_chain = "base", so clients on Base cannot hire the agent; set both`)
	}
}
