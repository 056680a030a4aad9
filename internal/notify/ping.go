package notify

import (
	"context"
	"net/http"
	"strings"

	"atelierd/internal/secret"
)

// Address is an address that is called to show a sign of life. It may be secret.
type Address struct{ poster }

// NewAddress returns the address that url reads at each call.
func NewAddress(url func() (secret.Text, error)) Address {
	return Address{poster{client: newClient(nil), url: url}}
}

// Check returns an error if the address cannot be read or is none. The error does not show
// it.
func (a Address) Check() error {
	_, err := a.address()
	return err
}

// Get calls the address with below added to its path. The error is a *Failure that does
// not show the address.
func (a Address) Get(ctx context.Context, below string) error {
	u, err := a.address()
	if err != nil {
		return err
	}
	if below != "" {
		u.Path, u.RawPath = strings.TrimRight(u.Path, "/")+"/"+below, ""
	}
	got, err := a.post(ctx, request{method: http.MethodGet, address: u})
	if err == nil && !got.ok() {
		err = got.failure("")
	}
	return err
}
