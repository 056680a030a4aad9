package config

import (
	"encoding/hex"
	"math/bits"
	"strings"
)

// checksummed reports whether the case of the letters of an Ethereum address is its
// checksum (EIP-55). An address in one case has none.
func checksummed(address string) bool {
	digits := strings.TrimPrefix(address, "0x")
	lower := strings.ToLower(digits)
	if digits == lower || digits == strings.ToUpper(digits) {
		return true
	}
	hash := keccak256([]byte(lower))
	sum := hex.EncodeToString(hash[:])
	for i := range len(digits) {
		letter := lower[i] >= 'a'
		if upper := letter && sum[i] >= '8'; letter && upper != (digits[i] < 'a') {
			return false
		}
	}
	return true
}

// keccak256 returns the hash that Ethereum uses, which is not the SHA-3 of the
// standard library: it pads with another byte. data is shorter than one block.
func keccak256(data []byte) (sum [32]byte) {
	const rate = 136
	var block [rate]byte
	copy(block[:], data)
	block[len(data)] ^= 0x01
	block[rate-1] ^= 0x80
	var a [25]uint64
	for i, b := range block {
		a[i/8] ^= uint64(b) << (8 * (i % 8))
	}
	keccakF(&a)
	for i := range sum {
		sum[i] = byte(a[i/8] >> (8 * (i % 8)))
	}
	return sum
}

// keccakF is the permutation of Keccak.
func keccakF(a *[25]uint64) {
	lfsr := byte(1)
	for range 24 {
		var c, d [5]uint64
		for x := range 5 {
			c[x] = a[x] ^ a[x+5] ^ a[x+10] ^ a[x+15] ^ a[x+20]
		}
		for x := range 5 {
			d[x] = c[(x+4)%5] ^ bits.RotateLeft64(c[(x+1)%5], 1)
		}
		for i := range a {
			a[i] ^= d[i%5]
		}
		x, y, last := 1, 0, a[1]
		for t := range 24 {
			x, y = y, (2*x+3*y)%5
			a[x+5*y], last = bits.RotateLeft64(last, (t+1)*(t+2)/2), a[x+5*y]
		}
		for y := 0; y < 25; y += 5 {
			row := [5]uint64(a[y : y+5])
			for x := range 5 {
				a[y+x] = row[x] ^ ^row[(x+1)%5]&row[(x+2)%5]
			}
		}
		for j := range 7 {
			if lfsr&1 != 0 {
				a[0] ^= 1 << (1<<j - 1)
			}
			lfsr = lfsr<<1 ^ (lfsr>>7)*0x71
		}
	}
}
