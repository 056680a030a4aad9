package fulfill

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"atelierd/internal/disk"
	"atelierd/internal/generate"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
)

// Folders below the data folder.
const (
	workDir     = "work"      // where generators write, one folder an attempt
	artifactDir = "artifacts" // where accepted files are kept
)

// ClearWork removes what generators have written for a round of an order, so
// that the round is made anew and not taken from an attempt that has finished.
// dir is the data folder. Files that were accepted are not touched.
func ClearWork(dir, orderID string, kind order.Kind, round int) error {
	work := filepath.Join(dir, folder(workDir, orderID, kind, round))
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	// The order's own folder goes with its last round; until then it is not empty.
	_ = os.Remove(filepath.Dir(work))
	return nil
}

// generate has the files of a round made, checks them and keeps them.
func (f *Fulfiller) generate(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	s, ok := f.o.Services[o.Service]
	if !ok {
		return order.Result{}, order.Failf(order.Hold, order.CodeNoService, "its service %.100q is not configured", o.Service).
			WithHint("add the [[service]] and run `atelierd orders retry %s`", o.ID)
	}
	if err := f.room(); err != nil {
		return order.Result{}, err
	}
	made, record, err := f.make(ctx, j, o, s)
	if err != nil {
		return order.Result{}, noRoom(refused(err, s, j, o))
	}
	dir := strings.TrimSuffix(record, recorded)
	artifacts, err := f.storeFiles(ctx, j, o, s, made, dir)
	if err != nil {
		if rejected(err) {
			// Or the next attempt would find it, and take it for good.
			err = errors.Join(broken(err, j.Attempt), os.RemoveAll(record), os.RemoveAll(dir))
		}
		return order.Result{}, noRoom(withLog(err, made))
	}
	result := order.Result{Next: order.StageDeliver, Artifacts: artifacts, Log: made.Log, Note: made.Message, Hold: s.Approval}
	switch {
	case slices.ContainsFunc(artifacts, func(a order.Artifact) bool { return a.URL == "" }):
		result.Next = order.StageUpload
	case j.Kind == order.KindPiece:
		result.Next, result.Messages, result.Hold = "", pieceMessage(j), nil
	}
	return result, nil
}

// recorded ends the name of the note of an attempt's result. It lies beside the
// attempt's folder, so that it is never taken for output.
const recorded = ".result.json"

// unused finds a result of the round that was brought in, by whichever attempt,
// and neither rejected nor used: what has failed after it was made is not paid
// for again.
func unused(dir string) (made generate.Result, record string, ok bool) {
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		return made, "", false // there is no folder yet
	}
	for _, e := range entries {
		record := filepath.Join(filepath.Dir(dir), e.Name())
		if !strings.HasSuffix(record, recorded) {
			continue
		}
		if made, ok := readResult(record); ok {
			return made, record, true
		}
	}
	return made, "", false
}

// rejected says whether the work is of no use, so that it is made anew.
func rejected(err error) bool {
	fail, ok := errors.AsType[*order.Failure](err)
	return ok && slices.Contains([]order.Code{order.CodeBadFile, order.CodeNoOutput, order.CodeDuplicate, order.CodeSameAgain, order.CodeVetoed}, fail.Code)
}

// broken holds work whose files have not kept the service's promise twice in a
// row: a generator that cannot keep it would be paid for at each attempt.
func broken(err error, attempt int) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || fail.Code != order.CodeBadFile || attempt < 2 {
		return err
	}
	own := *fail
	own.Class = order.Hold
	own.Hint = "mend the generator, or what the service promises, and restart; then `atelierd orders retry`, which makes it anew"
	return &own
}

// refused adds to a refusal the message that tells the client, if it is on. It is
// written now, while the bare reason is known.
func refused(err error, s Service, j order.Job, o order.Order) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !ok || fail.Class != order.Fail || fail.Code != order.CodeRefused {
		return err
	}
	own := *fail
	for _, say := range s.messageFor("refused", fmt.Sprintf("refused-%s-%d", j.Kind, j.Round)) {
		d := message.Data{Order: o.ID, Service: s.Title, Brief: o.Brief, Round: o.Round, Reason: cmp.Or(fail.Reason, "it cannot be made here")}
		if say.Body, err = s.Templates["refused"].Write(d); err != nil {
			say.Body = "" // it is tried again, and told, when it is sent
		}
		own.Message = &say
	}
	return &own
}

// request is what a program is told of the order, but for the pictures and the
// prompt.
func (f *Fulfiller) request(ctx context.Context, j order.Job, o order.Order, s Service, dir string) (generate.Request, error) {
	req := generate.Request{
		OrderID: o.ID, Round: j.Round, Attempt: j.Attempt, Brief: o.Brief,
		ReferenceURLs: o.ReferenceURLs, ReferenceImages: o.ReferenceImages, RequirementAnswers: o.Answers,
		Service:   generate.Service{Title: s.Title, Category: s.Category, Deliverables: s.Deliverables},
		OutputDir: dir,
	}
	round := j.Round
	if j.Kind != order.KindDelivery {
		req.Round, round = 0, 0
	}
	var err error
	if req.PreviousDeliverables, err = f.previous(ctx, o.ID, round); err != nil {
		return req, err
	}
	if j.Kind == order.KindPiece {
		if req.Piece, req.Ask, err = f.piece(ctx, j); err != nil {
			return req, err
		}
	}
	if j.Kind != order.KindQuote { // there is no thread before the order is paid
		if req.Messages, err = f.thread(ctx, o.ID, round); err != nil {
			return req, marketFailure(err)
		}
	}
	return req, nil
}

// prompt puts the order into one text.
func (f *Fulfiller) prompt(ctx context.Context, s Service, req generate.Request) (string, error) {
	feedback, err := f.feedback(ctx, req)
	if err != nil {
		return "", err
	}
	answers := prompt.Answers(req.RequirementAnswers)
	wish := strings.TrimSpace(req.Wish())
	if wish == "" && len(answers) == 0 {
		wish = written(req.Messages) // asked for it, the client has answered in the thread
	}
	text, err := cmp.Or(s.Prompt, prompt.Default).Write(prompt.Data{Wish: wish, Brief: req.Brief,
		Answers: answers, Feedback: feedback, Round: req.Round, Piece: req.Piece,
		Service: s.Title, Notes: req.Notes})
	if err != nil {
		return "", order.Failf(order.Hold, order.CodePrompt, "the service's prompt cannot be written for this order: %w", err).
			WithHint("mend its prompt setting and restart, then `atelierd orders retry %s`", req.OrderID)
	}
	return text, nil
}

// written is all that the client has written.
func written(thread []generate.Message) string {
	var said []string
	for _, m := range thread {
		if m.From == string(order.PartyClient) {
			said = append(said, m.Text)
		}
	}
	return strings.Join(said, "\n")
}

// feedback is what the client has written since the round before was delivered.
func (f *Fulfiller) feedback(ctx context.Context, req generate.Request) ([]string, error) {
	if req.Round == 0 {
		return nil, nil
	}
	last, _, err := f.o.Store.Delivery(ctx, req.OrderID, req.Round-1)
	if err != nil {
		return nil, err
	}
	var said []string
	for _, m := range req.Messages {
		if m.From == string(order.PartyClient) && !m.At.Before(last.SentAt) {
			said = append(said, m.Text)
		}
	}
	return said, nil
}

// thread is what client and agent have written to each other about the order,
// for the generator. A first round can do without; in a later one it says what
// was wrong, and is worth waiting for.
func (f *Fulfiller) thread(ctx context.Context, orderID string, round int) ([]generate.Message, error) {
	list, err := f.o.Market.Messages(ctx, orderID)
	if err != nil {
		if fail, ok := errors.AsType[*order.Failure](err); round == 0 || ok && fail.Class == order.Fail {
			f.o.Log.Debug("the order's messages could not be read", "order", orderID, "error", err)
			return nil, nil
		}
		return nil, err
	}
	var messages []generate.Message
	for _, m := range list {
		messages = append(messages, generate.Message{From: string(m.Party), Text: m.Text, At: m.At})
	}
	return messages, nil
}

// previous are the links of the round before, for a generator to improve on.
func (f *Fulfiller) previous(ctx context.Context, orderID string, round int) ([]string, error) {
	if round == 0 {
		return nil, nil
	}
	files, err := f.o.Store.Artifacts(ctx, orderID, order.KindDelivery, round-1)
	if err != nil {
		return nil, err
	}
	var links []string
	for _, a := range files {
		links = append(links, a.URL)
	}
	return links, nil
}

func readResult(path string) (generate.Result, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return generate.Result{}, false
	}
	var made generate.Result
	if err := json.Unmarshal(b, &made); err != nil {
		return generate.Result{}, false
	}
	for _, file := range made.Files {
		if _, err := os.Lstat(file); err != nil {
			return generate.Result{}, false
		}
	}
	return made, true
}

func writeResult(path string, made generate.Result) error {
	b, err := json.Marshal(made)
	if err != nil {
		return err
	}
	for _, file := range made.Files {
		if err := syncFile(file); err != nil {
			return err
		}
	}
	return writeFile(path, func(w io.Writer) error { _, err := w.Write(b); return err })
}

// withLog adds to a failure what the generator has said.
func withLog(err error, made generate.Result) error {
	fail := &order.Failure{Class: order.Retry, Code: order.CodeError, Err: err}
	if f, ok := errors.AsType[*order.Failure](err); ok {
		own := *f
		fail = &own
	}
	fail.Log = made.Log
	return fail
}

// link gives file a second name that replaces whatever had it before. The first
// stays until the work folder is cleared, so that a crash here loses nothing.
func link(file, to string) error {
	temp := to + ".tmp"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(file, temp); err != nil {
		return writeFile(to, func(w io.Writer) error { return copyFrom(w, file) })
	}
	if err := syncFile(temp); err != nil {
		return err
	}
	return os.Rename(temp, to)
}

func copyFrom(w io.Writer, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(w, in)
	return err
}

// writeFile writes a file so that it is either wholly there after a crash or
// not at all.
func writeFile(path string, write func(io.Writer) error) error {
	temp := path + ".tmp"
	out, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(out), out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

// syncFile makes a file or a folder durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// leastRoom is how many bytes must be free before a generator is started.
const leastRoom = 128 << 20

// fullRetry is how long work waits for room on the disk.
const fullRetry = time.Minute

func (f *Fulfiller) room() error {
	free, err := disk.Free(f.o.Dir)
	switch {
	case errors.Is(err, disk.ErrUnknown):
		return nil // the first write shows it
	case err != nil:
		return fmt.Errorf("get the free space of the disk: %w", err)
	case free >= leastRoom:
		return nil
	}
	return noRoom(syscall.ENOSPC)
}

// noRoom turns the error of a full disk into a wait that costs no attempt, unless
// something was paid for: then it counts, or it would be paid for each minute.
func noRoom(err error) error {
	fail, ok := errors.AsType[*order.Failure](err)
	if !disk.IsFull(err) || ok && (fail.Charge == order.ChargeFull || fail.Charge == order.ChargeUnknown) {
		return err
	}
	return &order.Failure{Class: order.Wait, Code: order.CodeDiskFull, Err: errors.New("the disk is full"),
		Hint: "make room in the data folder; work goes on by itself", After: fullRetry}
}
