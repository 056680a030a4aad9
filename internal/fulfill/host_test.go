package fulfill_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// full makes the disk of the database full at a commit for ten minutes, from its first
// try on. It returns how often it was tried.
func (w *world) full(commit string) (tries *int) {
	tries = new(int)
	var since time.Time
	w.storeHook = func(point string) error {
		if point != "before:"+commit {
			return nil
		}
		if *tries++; since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) < 10*time.Minute {
			return syscall.ENOSPC
		}
		return nil
	}
	return tries
}

func TestAResultInHandWaitsUntilTheDatabaseCanBeWritten(t *testing.T) {
	t.Parallel()
	for _, commit := range []string{"call.submitted", "call.close"} {
		t.Run(commit, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				p := &provider{answers: []answer{{"job-1", nil}}}
				w.useProvider(p)
				id := w.order()
				tries := w.full(commit)
				w.must(order.StageGenerate)
				if len(p.runs) != 1 || w.spent(id) != price || *tries < 10 {
					t.Errorf("%d calls, spent %s, tried %d times; want one call, and many tries", len(p.runs), w.spent(id), *tries)
				}
			})
		})
	}
}

func TestTheCostOfAFailedCallWaitsUntilTheDatabaseCanBeWritten(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.useProvider(&provider{answers: []answer{{"", fails(order.Retry, order.CodeProviderFailed, order.ChargeNone)}}})
		id := w.order()
		w.full("call.close")
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderFailed)
		if w.spent(id) != 0 {
			t.Errorf("%s counts as spent for a call that cost nothing", w.spent(id))
		}
	})
}

func TestAnUploadWaitsUntilItCanBeRecorded(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.order()
		w.must(order.StageGenerate)
		w.full("uploaded")
		w.must(order.StageUpload)
		if n := len(w.sent(sandbox.CallUpload)); n != 1 {
			t.Errorf("uploaded %d times", n)
		}
	})
}

func TestARecordThatCannotBeWrittenIsWaitedForWithTheResultInHand(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &blockedRecord{painter: w.painter}
		w.service = func(s *fulfill.Service) {
			s.Generators = []fulfill.Generator{{Name: "paid", Backend: p, Price: price}}
		}
		w.restart()
		id := w.order()
		w.must(order.StageGenerate)
		if len(w.painter.asked) != 1 || w.spent(id) != order.Dollar/25 {
			t.Errorf("asked %d times, spent %s", len(w.painter.asked), w.spent(id))
		}
	})
}

// blockedRecord is a generator next to whose folder nothing can be written for a while.
type blockedRecord struct{ *painter }

func (b *blockedRecord) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	record := r.OutputDir + ".result.json.tmp"
	if err := os.Symlink("/dev/full", record); err != nil {
		return generate.Result{}, err
	}
	time.AfterFunc(10*time.Minute, func() { os.Remove(record) })
	return b.painter.Generate(ctx, r)
}

func TestWhatThisMachineLacksIsWaitedForInEveryStage(t *testing.T) {
	t.Parallel()
	for stage, commit := range map[order.Stage]string{
		order.StageGenerate: "call.begin", order.StageDeliver: "deliver.intent", order.StageSend: "message.intent",
	} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				id := w.order()
				switch stage {
				case order.StageDeliver:
					w.must(order.StageGenerate)
					w.must(order.StageUpload)
				case order.StageSend:
					w.asOwner(func(o store.Owner) error { return o.QueueMessage(t.Context(), id, "word", "a word") })
				}
				w.storeHook = func(point string) error {
					if point == "before:"+commit {
						return syscall.EMFILE
					}
					return nil
				}
				for range 10 { // more than any attempts, since these are not counted
					if f := w.fails(stage, order.Wait, order.CodeNoDescriptors); f.Hint == "" || f.After < time.Second {
						t.Errorf("hint %q, again in %s", f.Hint, f.After)
					}
				}
				w.storeHook = nil
				w.must(stage)
			})
		})
	}
}

func TestWhatAGeneratorLacksIsNotTheOrdersFault(t *testing.T) {
	t.Parallel()
	forked := func(errno syscall.Errno) error {
		return order.Failf(order.Retry, order.CodeNotStarted, "cannot start: %w", &fs.PathError{Op: "fork/exec", Path: "p", Err: errno}).Nothing()
	}
	unreachable := order.Failf(order.Retry, order.CodeProviderUnreachable, "dial: %w", syscall.EMFILE).Nothing()
	unreachable.Outage = true
	for name, met := range map[string]struct {
		err  error
		code order.Code
	}{
		"descriptors":     {forked(syscall.EMFILE), order.CodeNoDescriptors},
		"memory":          {forked(syscall.ENOMEM), order.CodeNoMemory},
		"processes":       {forked(syscall.EAGAIN), order.CodeNoProcesses},
		"quota":           {fmt.Errorf("write: %w", syscall.EDQUOT), order.CodeDiskFull},
		"disk":            {&fs.PathError{Op: "read", Path: "p", Err: syscall.EIO}, order.CodeDiskFailed},
		"not the network": {unreachable, order.CodeNoDescriptors},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				pauses := 0
				w.service = func(s *fulfill.Service) {
					s.Generators[0].Breaker = &generate.Breaker{Threshold: 2, Probe: func(context.Context) error { return nil }, Changed: func(string) { pauses++ }}
				}
				w.restart()
				w.painter.err = met.err
				id := w.order()
				for range 10 {
					w.fails(order.StageGenerate, order.Wait, met.code)
				}
				w.painter.err = nil
				w.must(order.StageGenerate)
				if n := w.painter.asked[10].Attempt; n != 1 || pauses != 0 || w.spent(id) != order.Dollar/25 {
					t.Errorf("it ends with attempt %d, %d pauses of the generator and $%s spent", n, pauses, w.spent(id))
				}
			})
		})
	}
}

func TestAPaidCallThatMetTheHostCounts(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		full := &order.Failure{Class: order.Retry, Code: order.CodeBadOutput, Err: syscall.EMFILE}
		w.useProvider(&provider{answers: []answer{{"", full}}})
		id := w.order()
		if f := w.fails(order.StageGenerate, order.Retry, order.CodeBadOutput); !errors.Is(f, syscall.EMFILE) || w.spent(id) != price {
			t.Errorf("%v, $%s spent", f, w.spent(id))
		}
	})
}
