package config

import (
	"fmt"
	"math/big"
	"strings"
)

// placeholderWallet is what the marketplace's guide writes where an address
// belongs; its one-line examples shorten it.
const placeholderWallet = "YOUR_SOLANA_WALLET"

const base58Digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// wallet reads a Solana address, or "" when the key is not there.
func (t *table) wallet(key string) string {
	s := t.text(key, "")
	if s == "" {
		if t.has(key) {
			t.problem(t.at(key), "must not be empty; leave the key out for none")
		}
		return ""
	}
	if strings.HasPrefix(s, placeholderWallet) {
		t.problem(t.at(key), "is the guide's placeholder; put your own Solana address here")
		return ""
	}
	size, err := base58Size(s)
	switch {
	case err != nil:
		t.problem(t.at(key), "must be a Solana address: %v", err)
	case size != 32:
		t.problem(t.at(key), "must be a Solana address of 32 bytes in base58, has %d", size)
	}
	return s
}

// base58Size decodes s and says how many bytes it holds.
func base58Size(s string) (int, error) {
	if len(s) > 64 {
		return 0, fmt.Errorf("it has %d characters, an address at most 44", len(s))
	}
	n := new(big.Int)
	for i := range len(s) {
		digit := strings.IndexByte(base58Digits, s[i])
		if digit < 0 {
			return 0, fmt.Errorf("character %d is none of base58", i+1)
		}
		n.Mul(n, big.NewInt(58)).Add(n, big.NewInt(int64(digit)))
	}
	// Each leading 1 stands for a zero byte, which the number does not show.
	zeros := len(s) - len(strings.TrimLeft(s, "1"))
	return zeros + len(n.Bytes()), nil
}
