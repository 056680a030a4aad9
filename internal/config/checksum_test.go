package config

import (
	"encoding/hex"
	"testing"
)

func TestAnAddressWithALetterInTheWrongCaseIsNotTaken(t *testing.T) {
	t.Parallel()
	sum := keccak256(nil)
	if got := hex.EncodeToString(sum[:]); got != "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" {
		t.Errorf("the hash of nothing is %s", got)
	}
	for address, want := range map[string]bool{
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed": true,
		"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359": true,
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB": true,
		"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed": true, // without a checksum
		"0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED": true,
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD": false,
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAec": false,
	} {
		if checksummed(address) != want {
			t.Errorf("%s: %t, want %t", address, !want, want)
		}
	}
}
