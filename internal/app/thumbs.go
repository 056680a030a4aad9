package app

import (
	"context"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate/exec"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/thumb"
)

// newThumbs makes what makes small pictures. In the background it does so only for a
// console.
func newThumbs(b base) *thumb.Maker {
	o := thumb.Options{
		Dir: b.Config.DataDir, FilesDir: fulfill.FilesDir, Log: b.Log,
		Files: func(ctx context.Context, after int64) ([]order.Artifact, error) {
			if !b.config().Console.On() {
				return nil, nil
			}
			return b.Store.FilesAfter(ctx, after)
		},
		Wanted: b.Store.FileWanted,
	}
	if ffmpeg := exec.FindTool("ffmpeg"); ffmpeg != nil {
		o.FFmpeg = ffmpeg.Run
	}
	return thumb.New(o)
}

// shownFiles are the files of orders for pages.
type shownFiles struct {
	*thumb.Maker
	st *store.Store
}

// Covers implements console.Files.
func (s shownFiles) Covers(ctx context.Context, orderIDs []string) (map[string]order.Artifact, error) {
	return s.st.Covers(ctx, orderIDs)
}

// File implements console.Files.
func (s shownFiles) File(ctx context.Context, id int64) (order.Artifact, error) {
	return s.st.File(ctx, id)
}
