package order

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Phase is what work does at the moment.
type Phase string

// The phases of work that takes long.
const (
	PhaseQueued      Phase = "queued" // at the provider
	PhaseMaking      Phase = "making"
	PhaseDownloading Phase = "downloading"
	PhaseUploading   Phase = "uploading"
)

// Progress is how far work is. Its zero value is unknown.
type Progress struct {
	Phase Phase `json:"phase,omitempty"`
	// Fraction is how much of the phase is done, up to 1. 0 is unknown too.
	Fraction float64 `json:"fraction,omitzero"`
	// Queue is the place in the provider's queue, from 1; 0 is unknown.
	Queue int `json:"queue_position,omitzero"`
	// Done and Total are bytes of a file; a Total of 0 is unknown.
	Done  int64 `json:"bytes,omitzero"`
	Total int64 `json:"bytes_total,omitzero"`
	// Text is the generator's own remark, safe to show.
	Text string `json:"text,omitempty"`
	// Generator is what makes the files, and Began when its call began. Both are empty for
	// other work.
	Generator string    `json:"generator,omitempty"`
	Began     time.Time `json:"began_at,omitzero"`
}

// After returns the progress of work that reports p after before. What generators report
// may be any number, so it is limited here: within a phase the fraction never falls.
func (p Progress) After(before Progress) Progress {
	p.Phase = cmp.Or(p.Phase, before.Phase, PhaseMaking)
	p.Generator = cmp.Or(p.Generator, before.Generator)
	if p.Began.IsZero() {
		p.Began = before.Began
	}
	p.Queue, p.Total = max(p.Queue, 0), max(p.Total, 0)
	if p.Done = max(p.Done, 0); p.Total > 0 {
		p.Done = min(p.Done, p.Total)
	}
	if p.Fraction == 0 && p.Total > 0 {
		p.Fraction = float64(p.Done) / float64(p.Total)
	}
	if math.IsNaN(p.Fraction) {
		p.Fraction = 0
	}
	p.Fraction = min(max(p.Fraction, 0), 1)
	if p.Phase == before.Phase && p.Generator == before.Generator && p.Began.Equal(before.Began) {
		p.Fraction = max(p.Fraction, before.Fraction)
		p.Text = cmp.Or(p.Text, before.Text)
	}
	return p
}

// String describes the progress in a few words, such as "40%" or "place 3 in the
// provider's queue". It is "" if nothing is known.
func (p Progress) String() string {
	switch {
	case p.Phase == PhaseQueued && p.Queue > 0:
		return fmt.Sprintf("place %d in the provider's queue", p.Queue)
	case p.Phase == PhaseQueued:
		return "in the provider's queue"
	case p.Fraction > 0 && (p.Phase == PhaseDownloading || p.Phase == PhaseUploading):
		return fmt.Sprintf("%s, %s", p.Phase, p.Percent())
	case p.Phase == PhaseDownloading, p.Phase == PhaseUploading:
		return string(p.Phase)
	case p.Fraction > 0:
		return p.Percent()
	}
	return ""
}

// Percent returns the fraction such as "40%". Only work that is done has 100%.
func (p Progress) Percent() string {
	return fmt.Sprintf("%d%%", int(math.Floor(p.Fraction*100)))
}
