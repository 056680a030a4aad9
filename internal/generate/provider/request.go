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

// with puts the owner's params over the fields of a request.
func with(fields, params map[string]any) map[string]any {
	merged := map[string]any{}
	maps.Copy(merged, fields)
	maps.Copy(merged, params)
	return merged
}

// read gives the bytes of a reference.
func read(r generate.Reference) ([]byte, error) {
	b, err := os.ReadFile(r.Path)
	if err != nil {
		return nil, order.Failf(order.Retry, order.CodeReference, "a reference cannot be read: %w", err).Nothing()
	}
	return b, nil
}

// dataURI gives a reference as a data: address, which most providers take.
func dataURI(r generate.Reference) (string, error) {
	b, err := read(r)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("data:%s;base64,%s", r.MIME, base64.StdEncoding.EncodeToString(b)), nil
}

// picture gives a reference as a data: address or, when it has more bytes than the
// provider takes in one, as its link.
func picture(r generate.Reference, most int64) (string, error) {
	if st, err := os.Stat(r.Path); err == nil && st.Size() > most && strings.HasPrefix(r.URL, "https://") {
		return r.URL, nil
	}
	return dataURI(r)
}

// first gives the first reference as picture does, or "" when there is none.
func first(list []generate.Reference, most int64) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	return picture(list[0], most)
}

// anySize is more bytes than a picture may have.
const anySize = 1 << 40

// fromBase64 decodes a picture of an answer, which may be a data: address. It was
// paid for.
func fromBase64(s string) (blob, error) {
	if _, after, ok := strings.Cut(s, ";base64,"); ok {
		s = after
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return blob{}, order.Failf(order.Retry, order.CodeBadAnswer, "the provider's picture is no base64")
	}
	return blob{data: b}, nil
}
