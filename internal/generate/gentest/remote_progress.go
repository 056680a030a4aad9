package gentest

import (
	"io"
	"net/http"
	"slices"
	"strings"

	"atelierd/internal/order"
)

// progress expects that the back end reports what the provider says of a job that runs,
// and that the file is downloaded after that.
func (b *bench) progress(p progress) {
	told := false
	b.fake.Answer(Poll, func(w http.ResponseWriter, r *http.Request) {
		if told || !strings.HasSuffix(r.URL.Path, p.at) {
			b.fake.Serve(w, r)
			return
		}
		told = true
		w.WriteHeader(p.status)
		io.WriteString(w, p.body)
	})
	var last order.Progress
	var list []order.Progress
	r := b.request()
	r.Call.Progress = func(next order.Progress) {
		last = next.After(last)
		list = append(list, last)
	}
	b.done(r, 1)
	if !slices.Contains(list, p.means) {
		b.Errorf("the progress is %+v, want %+v in it", list, p.means)
	}
	if !b.fake.shape.bare && last.Phase != order.PhaseDownloading {
		b.Errorf("at the end it is %+v, want a download", last)
	}
}
