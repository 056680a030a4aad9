package config

import (
	"fmt"
	"math/big"
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
