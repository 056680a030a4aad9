package natsq

import (
	"testing"
	"time"
)

// TestASmallFileIsSentAgainWithinSeconds guards the call of a worker whose server dies amid the
// transfer of its result, and the largest file over a line that carries 128 KiB a second.
func TestASmallFileIsSentAgainWithinSeconds(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]time.Duration{
		0: 10 * time.Second, 1 << 20: 18 * time.Second, 50 << 20: 410 * time.Second, 1 << 40: 410 * time.Second,
	} {
		if got := TransferWithin(bytes); got != want {
			t.Errorf("the transfer of %d bytes may take %s, want %s", bytes, got, want)
		}
	}
}
