package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"atelierd/internal/filelock"
	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// This file records the samples that generators make for the owner. A sample is a call
// without a job.

// ErrSampleOpen means that a generator has a sample whose outcome is not known.
var ErrSampleOpen = errors.New("an earlier sample of the generator is open")

// ErrSampleRuns means that another process makes a sample with the generator.
var ErrSampleRuns = errors.New("another command makes a sample with the generator now")

// BeginSample records that a generator is about to make a sample and reserves the price.
// It records nothing and returns ErrSampleOpen if the generator has an open one, or the
// *order.Failure of a cap that would be passed.
func (s *Store) BeginSample(c order.NewSample) (order.Call, error) {
	g := order.Call{Generator: c.Generator, Cost: c.Price, State: order.CallStarted, Attempt: 1}
	text, err := json.Marshal(c.Sample)
	if err != nil {
		return g, err
	}
	err = s.write("sample.begin", func(t *tx) error {
		open, err := t.OpenSamples(noCancel)
		if err != nil {
			return err
		}
		for _, o := range open {
			if o.Generator == c.Generator {
				return ErrSampleOpen
			}
		}
		spent, err := spentToday(noCancel, t.Queries, t.now.Time)
		if err != nil {
			return err
		}
		if capped := c.Caps.Allow(spent, c.Price, t.now.Time); capped != nil {
			return capped
		}
		n, err := t.CountSamples(noCancel, c.Generator)
		if err != nil {
			return err
		}
		g.Key, g.BeganAt = order.SampleKey(c, n+1), t.now.Time
		g.ID, err = t.InsertSample(noCancel, query.InsertSampleParams{
			Generator: g.Generator, Key: g.Key, CostUsdMicros: g.Cost, BeganAt: t.now, Sample: string(text),
		})
		return err
	})
	return g, err
}

// OpenSamples returns the samples whose outcome is not known, one a generator at most.
func (s *Store) OpenSamples(ctx context.Context) ([]order.OpenSample, error) {
	rows, err := s.read.OpenSamples(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]order.OpenSample, len(rows))
	for i, r := range rows {
		list[i].Call = order.Call{
			ID: r.ID, Generator: r.Generator, Key: r.Key, Ticket: r.Ticket, State: r.State,
			Cost: r.CostUsdMicros, BeganAt: r.BeganAt.Time, LateAt: r.LateAt.Time, Attempt: 1,
		}
		if err := json.Unmarshal([]byte(r.Sample), &list[i].Sample); err != nil {
			return nil, fmt.Errorf("read the sample of call %d: %w", r.ID, err)
		}
	}
	return list, nil
}

// GiveUpSample closes the open call of a sample, which stays counted as spent.
func (o Owner) GiveUpSample(c order.Call) error {
	return o.write("sample.giveup", func(t *tx) error {
		if err := t.CloseCall(noCancel, query.CloseCallParams{
			State: order.CallUnknown, Cost: c.Cost, ClosedAt: t.now, Note: "given up by the owner", ID: c.ID,
		}); err != nil {
			return err
		}
		_, err := t.event("", "owner", "gave up the sample of generator "+c.Generator)
		return err
	})
}

// LockSample keeps other processes from making a sample with a generator until release
// is called or the process ends. The error is ErrSampleRuns if another one makes one.
func LockSample(dir, generator string) (release func() error, err error) {
	path := sampleLock(dir, generator)
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := filelock.Lock(f, true); err != nil {
		f.Close()
		if errors.Is(err, filelock.ErrHeld) {
			err = ErrSampleRuns
		}
		return nil, err
	}
	return (&lock{file: f}).release, nil
}

// SampleRuns reports whether a process makes a sample with the generator now.
func SampleRuns(dir, generator string) bool {
	f, err := os.Open(sampleLock(dir, generator))
	if err != nil {
		return false
	}
	defer f.Close()
	if err := filelock.Lock(f, false); err != nil {
		return errors.Is(err, filelock.ErrHeld)
	}
	_ = filelock.Unlock(f) // otherwise closing the file releases it
	return false
}

func sampleLock(dir, generator string) string {
	return filepath.Join(dir, SampleDir, "."+generator+".lock")
}

// SampleDir is the folder in the data folder for samples.
const SampleDir = "samples"
