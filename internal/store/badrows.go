package store

import (
	"bytes"
	"hash/fnv"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// mostBadRow is how much of a row that cannot be read is kept for the owner.
const mostBadRow = 64 << 10

func (t *tx) applyBad(l order.Batch, sum *order.Applied) error {
	for _, b := range l.Bad {
		sum.Unreadable++
		raw := string(bytes.ToValidUTF8(b.Raw[:min(len(b.Raw), mostBadRow)], []byte("?")))
		if err := t.RecordUnreadable(noCancel, query.RecordUnreadableParams{
			Fingerprint: fingerprint(b.Raw),
			FirstAt:     t.now, LastAt: t.now, Reason: b.Reason, Raw: raw,
		}); err != nil {
			return err
		}
	}
	return nil
}

// fingerprintOf tells whether an order has changed. The short fields of one that has
// become too large may be all that it had before.
func fingerprintOf(f *order.Facts) int64 {
	if f.TooLarge {
		return ^fingerprint(f.Raw)
	}
	return fingerprint(f.Raw)
}

func fingerprint(raw []byte) int64 {
	h := fnv.New64a()
	h.Write(raw) // a hash never fails to write
	return int64(h.Sum64())
}
