package provider

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"

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
		return nil, order.Failf(order.Retry, "reference", "a reference cannot be read: %w", err).Nothing()
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

// first gives the first reference as a data: address, or "" when there is none.
func first(req generate.Request) (string, error) {
	if len(req.References) == 0 {
		return "", nil
	}
	return dataURI(req.References[0])
}

// fromBase64 decodes a picture of an answer. It was paid for.
func fromBase64(s string) (blob, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return blob{}, order.Failf(order.Retry, "bad_answer", "the provider's picture is no base64")
	}
	return blob{data: b}, nil
}
