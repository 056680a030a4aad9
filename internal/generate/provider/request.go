package provider

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// with returns the fields of a request, overridden by the owner's params.
func with(fields, params map[string]any) map[string]any {
	merged := map[string]any{}
	maps.Copy(merged, fields)
	maps.Copy(merged, params)
	return merged
}

// read returns the bytes of a reference.
func read(r generate.Reference) ([]byte, error) {
	b, err := os.ReadFile(r.Path)
	if err != nil {
		return nil, order.Failf(order.Retry, order.CodeReference, "cannot read a reference: %w", err).Nothing()
	}
	return b, nil
}

// dataURI returns a reference as a data: address, which most providers accept.
func dataURI(r generate.Reference) (string, error) {
	b, err := read(r)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("data:%s;base64,%s", r.MIME, base64.StdEncoding.EncodeToString(b)), nil
}

// picture returns a reference as a data: address, or as its link if it has more than
// most bytes.
func picture(r generate.Reference, most int64) (string, error) {
	if st, err := os.Stat(r.Path); err == nil && st.Size() > most && strings.HasPrefix(r.URL, "https://") {
		return r.URL, nil
	}
	return dataURI(r)
}

// first returns the first reference as picture does, or "" if there is none.
func first(list []generate.Reference, most int64) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	return picture(list[0], most)
}

// anySize is more bytes than a picture may have.
const anySize = 1 << 40
