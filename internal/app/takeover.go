package app

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// This file is which host works with the ledger.

// EnvHost names the variable that gives a host another name.
const EnvHost = "ATELIERD_HOST"

// machineIDFile has a random id of the installation, on systems with systemd.
const machineIDFile = "/etc/machine-id"

// HostName returns the name by which the ledger knows this host. Many hosts are called
// localhost, so a hash of the machine's id follows where there is one.
func HostName(getenv func(string) string) string {
	if name := strings.TrimSpace(getenv(EnvHost)); name != "" {
		return term.Line(name, 80)
	}
	return machineName()
}

// machineName is read once, so that a process knows this host by one name.
var machineName = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "unknown"
	}
	id, err := os.ReadFile(machineIDFile)
	if err != nil || len(id) == 0 {
		return name
	}
	sum := hmac.New(sha256.New, []byte("atelierd"))
	sum.Write(id) // the id itself is not to be shown to others
	return name + "-" + hex.EncodeToString(sum.Sum(nil))[:6]
})

// OtherHostError says that the ledger was restored from another host, which may still
// work.
type OtherHostError struct {
	Dir, Host, Here string
}

// Error describes the error.
func (e *OtherHostError) Error() string {
	return fmt.Sprintf("the data folder %s was restored from host %s, and this host is %s: if that one still runs, both pay for and deliver the same orders",
		e.Dir, term.Sanitize(e.Host), term.Sanitize(e.Here))
}

// takeOver returns what this process begins with. restored is why the ledger is known to be
// restored, or empty. A ledger that was restored from another host needs the owner's word
// that the other host is off.
func (a *App) takeOver(ctx context.Context, l order.Ledger, restored string) (order.Boot, error) {
	b := order.Boot{Version: Version(), Restored: restored, Host: HostName(a.o.Getenv), Epoch: l.Epoch}
	other := l.Host != "" && l.Host != b.Host
	if a.o.Config.NATS.Lease && a.credentials.AgentID() != "" {
		return a.takeOverWith(ctx, b, !other && restored == "")
	}
	switch {
	case a.o.Takeover:
		b.Epoch++
		b.Restored = cmp.Or(restored, fmt.Sprintf("host %s takes over from host %s", b.Host, cmp.Or(l.Host, "unknown")))
	case other && restored != "":
		return b, &OtherHostError{Dir: a.o.Config.DataDir, Host: l.Host, Here: b.Host}
	case other:
		b.Epoch++ // the folder was moved with its mark, so it is the only one
	}
	return b, nil
}

// LastHost returns the host that worked with a data folder last, and the name of this one.
// last is empty where that is not known.
func LastHost(ctx context.Context, o Options) (last, here string) {
	o = o.withDefaults()
	here = HostName(o.Getenv)
	st, err := store.OpenReader(o.Config.DataDir)
	if err != nil {
		return "", here
	}
	defer st.Close()
	l, err := st.Ledger(ctx)
	if err != nil {
		return "", here
	}
	return l.Host, here
}
