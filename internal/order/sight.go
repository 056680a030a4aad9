package order

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Sight is what an owner sees of an order and decides on.
type Sight struct {
	ID      string
	State   State
	Code    Code
	Round   int
	Service string
	Price   *USD
	// Quoted is the price that was found or named, in the state Quote; empty without one.
	Quoted USD
	Quote  QuoteState
	// Jobs are the delivery of the round, the quote, and whatever else is held, has failed
	// or was cancelled.
	Jobs []SeenJob
	// Files are those of the last take, of the round and of each piece that is held or has
	// failed.
	Files []SeenFile
	// Asked is the last text that is not ours in the thread, Messages how many there are,
	// and Answers how many the owner has written.
	Asked             string
	Messages, Answers int
	// Draft is the assistant's reply that waits for the owner; empty without one.
	Draft string
}

// SeenJob is a job as its owner decides on it.
type SeenJob struct {
	Kind  Kind
	Round int
	Take  int // of its files; 0 for a job without any
	Stage Stage
	State JobState
	Code  Code // why it is held or has failed
}

// SeenFile is a file as its owner decides on it: by what is in it, or by its link.
type SeenFile struct {
	Kind   Kind
	Round  int
	SHA256 string
	URL    string `json:",omitempty"`
}

// Stopped reports whether the job continues only by a decision of the owner.
func (s JobState) Stopped() bool {
	return s == JobHeld || s == JobFailed || s == JobCancelled
}

// Approvable reports whether an approval releases the job.
func (j SeenJob) Approvable() bool {
	return j.State == JobHeld && (j.Code == CodeReview || slices.Contains(ClientCodes(), j.Code))
}

// Part is a part of a Sight, by bits.
type Part int

// The parts of a Sight.
const (
	// PartOrder is the state of the order, its price and its quote, and the stage of its
	// work.
	PartOrder Part = 1 << iota
	// PartFiles is what has stopped, with the files.
	PartFiles
	// PartThread is what the client has written, the owner's answers and the draft of one.
	PartThread
)

// Fingerprint names a Sight in a few characters, such as 7f3k2m-9x2kq81d0a-c4r7tn. Each
// of its parts stays the same until what it is about changes.
type Fingerprint string

// Fingerprint returns the fingerprint of what is seen.
func (s Sight) Fingerprint() Fingerprint {
	var open, stopped []SeenJob
	for _, j := range s.Jobs {
		if j.State.Stopped() {
			stopped = append(stopped, j)
			continue
		}
		j.Code = "" // why it waits changes by itself
		if j.State == JobLeased {
			j.State = JobReady
		}
		open = append(open, j)
	}
	return Fingerprint(strings.Join([]string{
		mark(6, s.ID, s.State, s.Code, s.Round, s.Service, s.Price, s.Quoted, s.Quote, open),
		mark(10, s.ID, s.Quoted, stopped, s.Files),
		mark(6, s.ID, s.Asked, s.Messages, s.Answers, s.Draft),
	}, "-"))
}

// mark returns n characters that stand for the values.
func mark(n int, values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		text = []byte(err.Error()) // strings and numbers always marshal
	}
	sum := sha256.Sum256(text)
	return marks.EncodeToString(sum[:])[:n]
}

// marks has no letters that are mistaken for digits.
var marks = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Differs returns the parts in which two fingerprints differ.
func (f Fingerprint) Differs(other Fingerprint) (parts Part) {
	a, b := strings.Split(string(f), "-"), strings.Split(string(other), "-")
	for i, part := range []Part{PartOrder, PartFiles, PartThread} {
		if len(a) <= i || len(b) <= i || a[i] != b[i] {
			parts |= part
		}
	}
	return parts
}

// ParseFingerprint reads a fingerprint.
func ParseFingerprint(text string) (Fingerprint, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	parts := strings.Split(text, "-")
	if len(parts) != 3 || len(parts[0]) != 6 || len(parts[1]) != 10 || len(parts[2]) != 6 {
		return "", errors.New("this is not a fingerprint, which looks like 7f3k2m-9x2kq81d0a-c4r7tn")
	}
	return Fingerprint(text), nil
}
