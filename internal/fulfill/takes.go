package fulfill

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"atelierd/internal/generate"
	"atelierd/internal/media"
	"atelierd/internal/order"
)

// takes returns the takes of the run's work. The last one is made now.
func (r *run) takes(ctx context.Context) ([]order.Take, error) {
	return r.o.Store.Takes(ctx, r.job.OrderID, r.job.Kind, r.job.Round)
}

// currentTake returns the number of the take that is made now.
func (r *run) currentTake(ctx context.Context) (int, error) {
	list, err := r.takes(ctx)
	return len(list), err
}

// putTakes puts what the owner wants done differently, and what was made before, into a
// request.
func (r *run) putTakes(ctx context.Context, req *generate.Request) error {
	list, err := r.takes(ctx)
	if err != nil {
		return err
	}
	last := len(list) - 1
	req.Instructions = list[last].Instructions
	for _, t := range list[:last] {
		made := generate.Take{Number: t.N, Instructions: t.Instructions}
		for _, a := range t.Files {
			if path, there := r.there(a); there {
				made.Files = append(made.Files, path)
			}
			if a.URL != "" {
				made.URLs = append(made.URLs, a.URL)
			}
		}
		req.PreviousTakes = append(req.PreviousTakes, made)
	}
	return nil
}

// there returns the path of an accepted file, and whether it still exists.
func (r *run) there(a order.Artifact) (path string, ok bool) {
	path = filepath.Join(r.o.Dir, a.Path)
	st, err := os.Stat(path)
	return path, a.Path != "" && err == nil && st.Size() == a.Bytes
}

// picturesOf returns the pictures among files that are still there.
func (r *run) picturesOf(files []order.Artifact) (list []generate.Reference) {
	for _, a := range files {
		if path, there := r.there(a); there && a.Media == media.Image {
			list = append(list, generate.Reference{Path: path, MIME: a.MIME, URL: a.URL})
		}
	}
	return list
}

// startingPictures returns the pictures of ours that the work starts from: those of the
// take before if the owner wants it so, or those of the last round.
func (r *run) startingPictures(ctx context.Context) ([]generate.Reference, error) {
	list, err := r.takes(ctx)
	if err != nil {
		return nil, err
	}
	last := list[len(list)-1]
	for last.ByCheck && len(list) > 1 { // it is made as the one that the owner has opened
		list = list[:len(list)-1]
		last = list[len(list)-1]
	}
	if last.FromThese {
		for _, t := range slices.Backward(list[:len(list)-1]) {
			if len(t.Files) > 0 {
				return r.picturesOf(t.Files), nil
			}
		}
	}
	if !r.service.FromLast && !last.FromThese {
		return nil, nil
	}
	return r.lastRound(ctx)
}
