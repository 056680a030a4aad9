package cli

import (
	"context"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/storage"
)

// probeWithin is how long a probe of the storage may take.
const probeWithin = 2 * time.Minute

// storage tries the owner's storage: a small picture is put, fetched as anybody fetches it,
// and removed.
func (d *doctor) storage(ctx context.Context, offline bool) {
	const name = "storage"
	s := d.cfg.Storage
	if !s.On() {
		return
	}
	where := s.Path
	if s.Type == config.StorageS3 {
		where = s.Endpoint + "/" + s.Bucket + "/" + s.Prefix
	}
	if offline {
		d.ok(name, "%s, shown at %s; not tried", where, s.PublicURL)
		return
	}
	limited, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	if err := app.ProbeStorage(limited, d.cfg); err != nil {
		hint := storage.Hint(err)
		if hint == "" {
			hint = "see docs/storage.md; until it works, files go to the marketplace"
		}
		d.fail(name, hint, "%v", err)
		return
	}
	d.ok(name, "a picture was put into %s, fetched at %s, and removed", where, s.PublicURL)
}
